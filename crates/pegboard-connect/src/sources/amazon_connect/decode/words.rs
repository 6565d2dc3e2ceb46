//! What records repeat, kept once.

use std::sync::Arc;

use pegboard_model::{AgentProfile, Channel, Queue, Status, StatusId, StatusKind, Text};

use super::id_of_arn;
use super::wire::{Configuration, Named};
use crate::sources::DecodeError;
use crate::sources::intern::Interner;
use crate::sources::json::{Object, Str};

#[derive(Debug, Default)]
pub(super) struct Words {
    texts: Interner<Text>,
    statuses: Interner<Arc<Status>>,
    profiles: Interner<Arc<AgentProfile>>,
    queues: Interner<Arc<Queue>>,
    /// Room to put an agent's name together.
    name: String,
}

impl Words {
    pub(super) fn text(&mut self, text: &str) -> Text {
        self.texts.text(text)
    }

    /// The channel. The documentation of agent events writes `TASKS` where everything else writes `TASK`.
    pub(super) fn channel(&mut self, text: &str) -> Channel {
        match text {
            "TASKS" => Channel::Task,
            "VOICE" | "CHAT" | "TASK" | "EMAIL" => Channel::from(text),
            _ => Channel::Other(self.text(text)),
        }
    }

    pub(super) fn status(&mut self, id: Option<&str>, name: &str, kind: StatusKind) -> Arc<Status> {
        let Self { texts, statuses, .. } = self;
        statuses.get(
            (id, name, kind),
            id.map_or(0, str::len) + name.len(),
            |status| {
                status.id.as_ref().map(StatusId::as_str) == id && &*status.name == name && status.kind == kind
            },
            || Arc::new(Status { id: id.map(StatusId::from), name: texts.text(name), kind }),
        )
    }

    /// The queue with this ARN. Agents' personal queues have a path of their own and no name.
    pub(super) fn queue(
        &mut self,
        arn: Option<&Str<'_>>,
        name: Option<&Str<'_>>,
    ) -> Result<Arc<Queue>, DecodeError> {
        let Self { texts, queues, .. } = self;
        let id = id_of_arn(arn, "ARN")?;
        let personal = arn.is_some_and(|arn| arn[..arn.len() - id.len()].ends_with("/queue/agent/"));
        let name = name.map_or("", |name| name);
        Ok(queues.get(
            (id, name, personal),
            id.len() + name.len(),
            |queue| queue.id.as_str() == id && &*queue.name == name && queue.personal == personal,
            || Arc::new(Queue { id: texts.text(id).into(), name: texts.text(name), personal }),
        ))
    }

    pub(super) fn profile(&mut self, configuration: &Configuration<'_>) -> Arc<AgentProfile> {
        let Self { texts, profiles, name, .. } = self;
        let login = configuration.username.as_deref().unwrap_or_default();
        let first = configuration.first_name.as_deref().unwrap_or_default();
        let last = configuration.last_name.as_deref().unwrap_or_default();
        name.clear();
        name.extend([first.trim(), " ", last.trim()]);
        let name = name.trim();
        let levels = levels(configuration);
        let routing = name_of(configuration.routing_profile.as_ref());
        profiles.get(
            (login, name, levels, routing),
            login.len() + name.len() + levels.iter().map(|level| level.len()).sum::<usize>() + routing.len(),
            |profile| {
                &*profile.login == login
                    && &*profile.name == name
                    && profile.levels.iter().zip(levels).all(|(level, other)| &**level == other)
                    && &*profile.routing_profile == routing
            },
            || {
                let present: Vec<_> = levels.into_iter().filter(|level| !level.is_empty()).collect();
                Arc::new(AgentProfile {
                    login: texts.text(login),
                    name: texts.text(name),
                    team: texts.text(&present.join(" / ")),
                    levels: levels.map(|level| texts.text(level)),
                    routing_profile: texts.text(routing),
                })
            },
        )
    }
}

fn levels<'r>(configuration: &'r Configuration<'_>) -> [&'r str; 5] {
    let Some(Object(groups)) = &configuration.agent_hierarchy_groups else { return [""; 5] };
    [&groups.level1, &groups.level2, &groups.level3, &groups.level4, &groups.level5]
        .map(|level| name_of(level.as_ref()))
}

fn name_of<'r>(named: Option<&'r Object<Named<'_>>>) -> &'r str {
    named.and_then(|Object(named)| named.name.as_deref()).unwrap_or_default()
}
