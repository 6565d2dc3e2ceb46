//! Who and what there is in a simulated contact centre: agents, teams, routing profiles, queues, statuses.

use pegboard_model::{AgentId, QueueId, StatusId, StatusKind, Text};

use crate::config::Config;
use crate::events::{Channel, Uuid};
use crate::random::Random;

macro_rules! number {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Name(pub(crate) usize);
    };
}

number! {
    /// An agent's place in [`Organisation::agents`].
    AgentNo
}
number! {
    /// A team's place in [`Organisation::teams`].
    TeamNo
}
number! {
    /// A routing profile's place in [`Organisation::profiles`].
    ProfileNo
}
number! {
    /// A queue's place in [`Organisation::queues`].
    QueueNo
}
number! {
    /// A status's place in [`Organisation::statuses`].
    StatusNo
}

impl StatusNo {
    /// Contacts are routed to the agent.
    pub const AVAILABLE: Self = Self(0);
    /// Not at work.
    pub const OFFLINE: Self = Self(1);
    /// A short break.
    pub const BREAK: Self = Self(2);
    /// The long one.
    pub const LUNCH: Self = Self(3);
    /// A supervisor's work.
    pub const SUPERVISION: Self = Self(4);
    /// The first of the statuses that each site has for itself, two for each.
    const FIRST_OF_SITES: usize = 5;
}

/// A simulated contact centre at rest.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// The platform's id of the whole instance.
    pub instance: Uuid,
    /// Everybody.
    pub agents: Vec<AgentCard>,
    /// Every team.
    pub teams: Vec<Team>,
    /// Every routing profile.
    pub profiles: Vec<RoutingProfile>,
    /// Every queue.
    pub queues: Vec<QueueCard>,
    /// Every status.
    pub statuses: Vec<StatusCard>,
}

/// An agent, apart from what changes.
#[derive(Debug, Clone)]
pub struct AgentCard {
    /// The platform's id.
    pub id: Uuid,
    /// The same as reports write it.
    pub agent_id: AgentId,
    /// The first name.
    pub first_name: &'static str,
    /// The last name.
    pub last_name: &'static str,
    /// The name with which the agent signs in.
    pub login: Text,
    /// The name for people.
    pub name: Text,
    /// The team at the beginning.
    pub team: TeamNo,
    /// The routing profile at the beginning.
    pub profile: ProfileNo,
    /// Whether this is a supervisor, who listens and takes no contacts.
    pub supervisor: bool,
}

/// A group of a hierarchy.
#[derive(Debug, Clone)]
pub struct Group {
    /// The platform's id.
    pub id: Uuid,
    /// The name.
    pub name: Text,
}

/// A team and what it belongs to.
#[derive(Debug, Clone)]
pub struct Team {
    /// Region, site and team.
    pub levels: [Group; 3],
    /// The number of the site, from 0.
    pub site: usize,
    /// The path of the hierarchy as one text.
    pub path: Text,
}

/// What agents are fit for.
#[derive(Debug, Clone)]
pub struct RoutingProfile {
    /// The platform's id.
    pub id: Uuid,
    /// The name.
    pub name: Text,
    /// From where contacts come.
    pub queues: Vec<QueueNo>,
    /// For what calls are placed.
    pub outbound: QueueNo,
    /// Whether its agents take chats and tasks.
    pub digital: bool,
}

/// How many chats an agent takes at once.
pub const CHATS_AT_ONCE: usize = 3;

/// A queue.
#[derive(Debug, Clone)]
pub struct QueueCard {
    /// The platform's id.
    pub id: Uuid,
    /// The same as reports write it.
    pub queue_id: QueueId,
    /// The name.
    pub name: Text,
    /// Whether chats and tasks come through it.
    pub digital: bool,
}

/// A status.
#[derive(Debug, Clone)]
pub struct StatusCard {
    /// The platform's id.
    pub id: Uuid,
    /// The same as reports write it.
    pub status_id: StatusId,
    /// The name.
    pub name: Text,
    /// What it means for routing.
    pub kind: StatusKind,
}

impl RoutingProfile {
    /// The channels of the profile, each with the number of contacts at once.
    pub fn concurrency(&self) -> &'static [(Channel, usize)] {
        if self.digital {
            return &[(Channel::Voice, 1), (Channel::Chat, CHATS_AT_ONCE), (Channel::Task, 1)];
        }
        &[(Channel::Voice, 1)]
    }
}

const FIRST_NAMES: &str = "Ada Bruno Carla Dmitri Elena Farid Greta Hugo Ines Jonas Karima Leon Mara Nils Oona Pavel Quinn \
    Rosa Sven Tara Umut Vera Wim Xenia Yara Zeno Alma Boris Celia Dario Edda Flora Gino Hana Igor \
    Jana Kenji Lucía Milo Nora";

const LAST_NAMES: &str = "Abel Bianchi Castro Dahl Ekman Fontaine Garcia Hoffmann Ivanova Jansen Kowalski Lindqvist \
    Moreau Novak O'Brien Petrov Quist Rossi Schmidt Tanaka Ulrich Vargas Weber Yilmaz Zimmer \
    Almeida Berger Conti Duarte Eriksen Fischer Grossi Haddad Ito Jensen Keller Lopez Müller Nagy \
    Olsen Pereira Ricci Silva Torres Urban Vogel Wagner Young";

const REGIONS: &str = "North South East West";

const SITES: &str = "Lisbon Krakow Dublin Malmö Turin Porto Leipzig Ghent Tallinn Graz Bilbao Aarhus";

/// The second has a comma and the fourth a quotation mark, which files must survive.
const VOICE_QUEUES: [&str; 8] = [
    "Sales",
    "Billing, invoices",
    "Technical support",
    "Repairs \"Express\"",
    "Cancellations",
    "Orders",
    "Claims",
    "Accounts",
];

const DIGITAL_QUEUES: [&str; 4] = ["Web chat", "Messaging", "Online orders", "Customer portal"];

impl Organisation {
    /// Founds the centre that the configuration describes.
    pub fn found(config: &Config) -> Self {
        let mut random = Random::new(config.seed, 1);
        let instance = random.uuid();
        let teams = found_teams(config.teams.max(1), &mut random);
        let queues = open_queues(config, &mut random);
        let profiles = make_profiles(&queues, &mut random);
        let statuses = name_statuses(&teams, &mut random);
        let agents = hire(config, &teams, &profiles, &mut random);
        Self { instance, agents, teams, profiles, queues, statuses }
    }

    /// The statuses other than breaks that agents of a site use: coaching and training.
    pub fn site_statuses(&self, team: TeamNo) -> [StatusNo; 2] {
        let first = StatusNo::FIRST_OF_SITES + 2 * self.teams[team.0].site;
        [StatusNo(first), StatusNo(first + 1)]
    }

    /// Every agent by number.
    pub(crate) fn agent_numbers(&self) -> impl Iterator<Item = AgentNo> + use<> {
        (0..self.agents.len()).map(AgentNo)
    }

    /// The card of an agent.
    pub fn agent(&self, agent: AgentNo) -> &AgentCard {
        &self.agents[agent.0]
    }

    /// A team by its number.
    pub fn team(&self, team: TeamNo) -> &Team {
        &self.teams[team.0]
    }

    /// A routing profile by its number.
    pub fn profile(&self, profile: ProfileNo) -> &RoutingProfile {
        &self.profiles[profile.0]
    }

    /// A queue by its number.
    pub fn queue(&self, queue: QueueNo) -> &QueueCard {
        &self.queues[queue.0]
    }

    /// A status by its number.
    pub fn status(&self, status: StatusNo) -> &StatusCard {
        &self.statuses[status.0]
    }
}

fn found_teams(count: usize, random: &mut Random) -> Vec<Team> {
    let site_count = count.div_ceil(4).min(words(SITES).count());
    let region_count = site_count.div_ceil(2).min(words(REGIONS).count());
    let mut group = |name: String| Group { id: random.uuid(), name: name.into() };
    let regions: Vec<_> = words(REGIONS).take(region_count).map(|name| group(name.into())).collect();
    let sites: Vec<_> = words(SITES).take(site_count).map(|name| group(name.into())).collect();
    (0..count)
        .map(|number| {
            let site = number % site_count;
            let team = group(format!("Team {}", number + 1));
            let levels = [regions[site % region_count].clone(), sites[site].clone(), team];
            let path = levels.iter().map(|level| &*level.name).collect::<Vec<_>>().join(" / ");
            Team { levels, site, path: path.into() }
        })
        .collect()
}

/// The queues for calls first, then those for chats and tasks.
fn open_queues(config: &Config, random: &mut Random) -> Vec<QueueCard> {
    let count = config.queues.max(2);
    let digital_count =
        (1..count).find(|digital| share(*digital, count) >= config.chat_share).unwrap_or(count - 1);
    let named = |names: &[&str], number: usize| match number / names.len() {
        0 => names[number].to_owned(),
        round => format!("{} {}", names[number % names.len()], round + 1),
    };
    (0..count)
        .map(|number| {
            let voice_count = count - digital_count;
            let digital = number >= voice_count;
            let name = if digital {
                named(&DIGITAL_QUEUES, number - voice_count)
            } else {
                named(&VOICE_QUEUES, number)
            };
            let id = random.uuid();
            QueueCard { id, queue_id: id.to_string().as_str().into(), name: name.into(), digital }
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "numbers of queues are small")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// One profile for each queue, which also serves its neighbour of the same kind; and one without queues for
/// supervisors, the last.
fn make_profiles(queues: &[QueueCard], random: &mut Random) -> Vec<RoutingProfile> {
    let mut profiles = Vec::new();
    for digital in [false, true] {
        let kind: Vec<_> =
            (0..queues.len()).filter(|queue| queues[*queue].digital == digital).map(QueueNo).collect();
        for first in 0..kind.len() {
            let served = 2.min(kind.len());
            profiles.push(RoutingProfile {
                id: random.uuid(),
                name: format!("{} profile", queues[kind[first].0].name).into(),
                queues: (0..served).map(|next| kind[(first + next) % kind.len()]).collect(),
                outbound: QueueNo(0),
                digital,
            });
        }
    }
    profiles.push(RoutingProfile {
        id: random.uuid(),
        name: "Supervisors".into(),
        queues: Vec::new(),
        outbound: QueueNo(0),
        digital: false,
    });
    profiles
}

fn name_statuses(teams: &[Team], random: &mut Random) -> Vec<StatusCard> {
    let mut statuses = Vec::new();
    let mut add = |name: &str, kind| {
        let id = random.uuid();
        statuses.push(StatusCard { id, status_id: id.to_string().as_str().into(), name: name.into(), kind });
    };
    add("Available", StatusKind::Routable);
    add("Offline", StatusKind::Offline);
    add("Break", StatusKind::Aux);
    add("Lunch", StatusKind::Aux);
    add("Supervision", StatusKind::Aux);
    let sites = teams.iter().map(|team| team.site).max().map_or(0, |last| last + 1);
    for site in words(SITES).take(sites) {
        add(&format!("Coaching {site}"), StatusKind::Aux);
        add(&format!("Training {site}"), StatusKind::Aux);
    }
    statuses
}

fn hire(config: &Config, teams: &[Team], profiles: &[RoutingProfile], random: &mut Random) -> Vec<AgentCard> {
    let supervisors = ProfileNo(profiles.len() - 1);
    let of_kind = |digital| -> Vec<ProfileNo> {
        (0..supervisors.0).map(ProfileNo).filter(|profile| profiles[profile.0].digital == digital).collect()
    };
    let (voice, digital) = (of_kind(false), of_kind(true));
    (0..config.agents)
        .map(|number| {
            let round = number / teams.len();
            let supervisor = round == 0 && config.agents >= 3 * teams.len();
            let profile = match (supervisor, random.chance(config.chat_share)) {
                (true, _) => supervisors,
                (false, true) => digital[number % digital.len()],
                (false, false) => voice[number % voice.len()],
            };
            let person = config.first_agent + number;
            let (first_name, last_name) = name_of(person);
            let id = random.uuid();
            AgentCard {
                id,
                agent_id: id.to_string().as_str().into(),
                first_name,
                last_name,
                login: login_of(first_name, last_name, person).into(),
                name: format!("{first_name} {last_name}").into(),
                team: TeamNo(number % teams.len()),
                profile,
                supervisor,
            }
        })
        .collect()
}

/// Walks both lists so that the same pair comes again only after all pairs have come.
fn name_of(number: usize) -> (&'static str, &'static str) {
    let (firsts, lasts) = (words(FIRST_NAMES).count(), words(LAST_NAMES).count());
    let pick = |names: &'static str, index| words(names).nth(index).expect("the index is below the count");
    (pick(FIRST_NAMES, number % firsts), pick(LAST_NAMES, (number / firsts * 7 + number * 5) % lasts))
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split_whitespace()
}

fn login_of(first: &str, last: &str, number: usize) -> String {
    let plain =
        |name: &str| name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    format!("{}.{}.{:04}", plain(first), plain(last), number + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pegboard_model::Timestamp;

    use super::*;

    fn centre(agents: usize) -> Organisation {
        Organisation::found(&Config::new(agents, Timestamp::from_millis(0), 24, 5))
    }

    #[test]
    fn ids_and_logins_are_unique() {
        let centre = centre(1000);
        let ids: BTreeSet<_> = centre.agents.iter().map(|agent| agent.id).collect();
        let logins: BTreeSet<_> = centre.agents.iter().map(|agent| &agent.login).collect();
        assert_eq!((ids.len(), logins.len()), (1000, 1000));
    }

    #[test]
    fn every_site_has_two_statuses_of_its_own_and_every_size_has_all_kinds() {
        for agents in [1, 5, 60, 1000, 5000] {
            let centre = centre(agents);
            for team in 0..centre.teams.len() {
                let names =
                    centre.site_statuses(TeamNo(team)).map(|status| centre.status(status).name.clone());
                assert!(
                    names.iter().all(|name| name.ends_with(&*centre.teams[team].levels[1].name)),
                    "{names:?}"
                );
            }
            assert!(
                centre.queues.iter().any(|queue| queue.digital)
                    && centre.queues.iter().any(|queue| !queue.digital)
            );
        }
    }
}
