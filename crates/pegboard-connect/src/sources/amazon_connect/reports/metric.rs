//! The table of metrics: what a label of a report means, which metric of `GetMetricDataV2` it is, in which unit, and
//! which of our columns has the same meaning.
//!
//! Labels and metrics as in the administrator guide, "Historical metrics definitions", and in the API reference under
//! `GetMetricDataV2`. A metric feeds a column only where both count the same thing at the same time; every other
//! metric is kept beside the columns. No column is made up of two metrics, or of an average and a count.

use pegboard_model::Millis;
use pegboard_model::acd::{AcdReport, Column, Unit};

/// What Amazon Connect makes a metric of, which decides in which interval it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Contact records: a contact counts, whole, in the interval in which it was disconnected.
    Disconnect,
    /// Contact events: in the interval in which a contact entered the queue, or reached the agent.
    Event,
    /// What agents did, cut by the clock.
    Activity,
}

/// A restriction of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// `INITIATION_METHOD` or `DISCONNECT_REASON`.
    pub key: &'static str,
    /// The values that count, or do not.
    pub values: &'static [&'static str],
    /// Whether those are the ones that do not count.
    pub negate: bool,
}

/// What is counted within a threshold, which labels and requests name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InTime {
    /// Answered.
    Answered,
    /// Abandoned.
    Abandoned,
    /// The share that left the queue for whatever reason.
    ServiceLevel,
    /// Something that feeds no column.
    Other,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name in `GetMetricDataV2`.
    pub name: &'static str,
    /// What restricts it.
    pub filter: Option<Filter>,
    /// What its numbers are.
    pub unit: Unit,
    /// What it is made of.
    pub basis: Basis,
    /// What reports call it, now or formerly. Of a metric with a threshold, what stands before `in X seconds`.
    pub labels: &'static [&'static str],
    /// Whether it has a threshold, and what it counts then.
    pub in_time: Option<InTime>,
    queue: Option<Column>,
    agent_queue: Option<Column>,
    agent: Option<Column>,
}

impl Metric {
    /// The column of `report` that has the same meaning, whatever the threshold.
    pub fn column(&self, report: AcdReport) -> Option<Column> {
        match report {
            AcdReport::QueueInterval => self.queue,
            AcdReport::AgentQueueInterval => self.agent_queue,
            AcdReport::AgentInterval => self.agent,
            AcdReport::Sessions => None,
        }
    }

    /// The metric as one text: `CONTACTS_HANDLED`, `CONTACTS_CREATED(INITIATION_METHOD=API)`, `SERVICE_LEVEL(20)`.
    pub fn id(&self, threshold: Option<Millis>) -> String {
        let within = match (self.filter, threshold) {
            (Some(filter), _) => {
                let sign = if filter.negate { "!=" } else { "=" };
                format!("({}{sign}{})", filter.key, filter.values.join(","))
            }
            (None, Some(threshold)) => format!("({threshold})"),
            (None, None) => String::new(),
        };
        format!("{}{within}", self.name)
    }

    const fn new(name: &'static str, unit: Unit, basis: Basis, labels: &'static [&'static str]) -> Self {
        Self {
            name,
            filter: None,
            unit,
            basis,
            labels,
            in_time: None,
            queue: None,
            agent_queue: None,
            agent: None,
        }
    }

    const fn of(self, key: &'static str, values: &'static [&'static str]) -> Self {
        Self { filter: Some(Filter { key, values, negate: false }), ..self }
    }

    const fn but(self, key: &'static str, values: &'static [&'static str]) -> Self {
        Self { filter: Some(Filter { key, values, negate: true }), ..self }
    }

    const fn within(self, in_time: InTime) -> Self {
        Self { in_time: Some(in_time), ..self }
    }

    const fn queue(self, column: Column) -> Self {
        Self { queue: Some(column), ..self }
    }

    const fn agent_queue(self, column: Column) -> Self {
        Self { agent_queue: Some(column), ..self }
    }

    const fn both(self, column: Column) -> Self {
        self.queue(column).agent_queue(column)
    }

    const fn agent(self, column: Column) -> Self {
        Self { agent: Some(column), ..self }
    }
}

const INITIATION: &str = "INITIATION_METHOD";
const INCOMING: &[&str] = &["INBOUND", "TRANSFER", "QUEUE_TRANSFER"];

/// Every metric that is known by name, in the order of the tables of the administrator guide.
pub const METRICS: &[Metric] = {
    use Basis::{Activity, Disconnect, Event};
    use Unit::{Count, Duration, Percent};
    const fn metric(name: &'static str, unit: Unit, basis: Basis, labels: &'static [&'static str]) -> Metric {
        Metric::new(name, unit, basis, labels)
    }
    &[
        // Contacts. `offered`, `answered` and `abandoned` are ours in all but one thing: Amazon's handled contacts hold
        // outbound ones too, which name a queue without having entered it.
        metric("CONTACTS_QUEUED", Count, Disconnect, &["Contacts queued"]).queue(Column::Offered),
        metric("CONTACTS_QUEUED_BY_ENQUEUE", Count, Event, &["Contacts queued (enqueue timestamp)"]),
        metric("CONTACTS_HANDLED", Count, Disconnect, &["Contacts handled"]).both(Column::Answered),
        metric("CONTACTS_HANDLED", Count, Disconnect, &[])
            .but(INITIATION, &["OUTBOUND", "EXTERNAL_OUTBOUND", "AGENT_REPLY"])
            .queue(Column::Answered),
        metric(
            "CONTACTS_HANDLED_BY_CONNECTED_TO_AGENT",
            Count,
            Event,
            &["Contacts handled (connected to agent timestamp)"],
        ),
        metric("CONTACTS_HANDLED", Count, Disconnect, &["Contacts handled incoming"])
            .of(INITIATION, INCOMING),
        metric("CONTACTS_HANDLED", Count, Disconnect, &["Contacts handled outbound"])
            .of(INITIATION, &["OUTBOUND"]),
        metric("CONTACTS_CREATED", Count, Disconnect, &["API contacts"]).of(INITIATION, &["API"]),
        metric("CONTACTS_HANDLED", Count, Disconnect, &["API contacts handled"]).of(INITIATION, &["API"]),
        metric("CONTACTS_CREATED", Count, Disconnect, &["Callback contacts"]).of(INITIATION, &["CALLBACK"]),
        metric("CONTACTS_HANDLED", Count, Disconnect, &["Callback contacts handled"])
            .of(INITIATION, &["CALLBACK"]),
        metric("SUM_RETRY_CALLBACK_ATTEMPTS", Count, Disconnect, &["Callback attempts"]),
        metric("CONTACTS_CREATED", Count, Disconnect, &["Contacts created"]),
        metric("CONTACTS_CREATED", Count, Disconnect, &["Contacts incoming"]).of(INITIATION, INCOMING),
        metric("CONTACTS_ABANDONED", Count, Disconnect, &["Contacts abandoned", "Contact abandoned"])
            .queue(Column::Abandoned),
        metric(
            "SUM_CONTACTS_ABANDONED_IN_X",
            Count,
            Disconnect,
            &["Contacts abandoned", "Contact abandoned"],
        )
        .within(InTime::Abandoned),
        metric("SUM_CONTACTS_ANSWERED_IN_X", Count, Disconnect, &["Contacts answered", "Contact answered"])
            .within(InTime::Answered),
        metric("CONTACTS_REMOVED_FROM_QUEUE_IN_X", Count, Disconnect, &["Contacts removed from queue"])
            .within(InTime::Other),
        metric("CONTACTS_RESOLVED_IN_X", Count, Disconnect, &["Contacts resolved"]).within(InTime::Other),
        metric("SERVICE_LEVEL", Percent, Disconnect, &["Service level", "SL"]).within(InTime::ServiceLevel),
        metric("ABANDONMENT_RATE", Percent, Disconnect, &["Abandonment rate"]),
        metric("CONTACTS_HANDLED", Count, Disconnect, &["Contacts agent hung up first"])
            .of("DISCONNECT_REASON", &["AGENT_DISCONNECT"]),
        metric("CONTACTS_PUT_ON_HOLD", Count, Disconnect, &["Contacts put on hold"]),
        metric("CONTACTS_HOLD_ABANDONS", Count, Disconnect, &["Contacts hold disconnect"]),
        metric("CONTACTS_ON_HOLD_AGENT_DISCONNECT", Count, Disconnect, &["Contacts hold agent disconnect"]),
        metric(
            "CONTACTS_ON_HOLD_CUSTOMER_DISCONNECT",
            Count,
            Disconnect,
            &["Contacts hold customer disconnect"],
        ),
        // Transfers. One "from queue" is a contact that left without an agent; the others had one.
        metric("CONTACTS_CREATED", Count, Disconnect, &["Contacts transferred in"])
            .of(INITIATION, &["TRANSFER", "QUEUE_TRANSFER"])
            .queue(Column::TransferredIn),
        metric("CONTACTS_CREATED", Count, Disconnect, &["Contacts transferred in by agent"])
            .of(INITIATION, &["TRANSFER"]),
        metric("CONTACTS_CREATED", Count, Disconnect, &["Contacts transferred in from queue"])
            .of(INITIATION, &["QUEUE_TRANSFER"]),
        metric("CONTACTS_TRANSFERRED_OUT", Count, Disconnect, &["Contacts transferred out"]),
        metric(
            "CONTACTS_TRANSFERRED_OUT_BY_AGENT",
            Count,
            Disconnect,
            &["Contacts transferred out by agent"],
        )
        .agent_queue(Column::TransferredByAgent),
        metric(
            "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
            Count,
            Disconnect,
            &["Contacts transferred out queue", "Contacts transferred out from queue"],
        )
        .queue(Column::TransferredOut),
        metric(
            "CONTACTS_TRANSFERRED_OUT_INTERNAL",
            Count,
            Disconnect,
            &["Contacts transferred out internal"],
        ),
        metric(
            "CONTACTS_TRANSFERRED_OUT_EXTERNAL",
            Count,
            Disconnect,
            &["Contacts transferred out external"],
        ),
        metric("CONTACTS_CONSULTED", Count, Disconnect, &["Contacts consulted"]),
        // Times of contacts. Amazon's handle time has after-contact work in it, which ours has not.
        metric("SUM_INTERACTION_TIME", Duration, Disconnect, &["Agent interaction time"]).both(Column::Talk),
        metric("SUM_HOLD_TIME", Duration, Disconnect, &["Customer hold time"]).both(Column::Hold),
        metric("SUM_AFTER_CONTACT_WORK_TIME", Duration, Disconnect, &["After contact work time"])
            .both(Column::AfterContactWork),
        metric("SUM_INTERACTION_AND_HOLD_TIME", Duration, Disconnect, &["Agent interaction and hold time"])
            .both(Column::Handle),
        metric("SUM_HANDLE_TIME", Duration, Disconnect, &["Contact handle time"]),
        metric("SUM_CONTACT_FLOW_TIME", Duration, Disconnect, &["Contact flow time"]),
        metric("MAX_QUEUED_TIME", Duration, Disconnect, &["Maximum queued time"]),
        metric("AVG_QUEUE_ANSWER_TIME", Duration, Disconnect, &["Average queue answer time"]),
        metric("AVG_ABANDON_TIME", Duration, Disconnect, &["Average queue abandon time"]),
        metric("AVG_HANDLE_TIME", Duration, Disconnect, &["Average handle time"]),
        metric("AVG_HOLD_TIME", Duration, Disconnect, &["Average customer hold time"]),
        metric("AVG_AFTER_CONTACT_WORK_TIME", Duration, Disconnect, &["Average after contact work time"]),
        metric("AVG_INTERACTION_TIME", Duration, Disconnect, &["Average agent interaction time"]),
        metric(
            "AVG_INTERACTION_AND_HOLD_TIME",
            Duration,
            Disconnect,
            &["Average agent interaction and customer hold time"],
        ),
        metric(
            "AVG_AFTER_CONTACT_WORK_TIME",
            Duration,
            Disconnect,
            &["Average outbound after contact work time"],
        )
        .of(INITIATION, &["OUTBOUND"]),
        metric("AVG_INTERACTION_TIME", Duration, Disconnect, &["Average outbound agent interaction time"])
            .of(INITIATION, &["OUTBOUND"]),
        // What agents did. On-contact time is talk, hold, after-contact work and more in one, and no column is.
        metric("SUM_ONLINE_TIME_AGENT", Duration, Activity, &["Online time"]).agent(Column::Login),
        metric("SUM_IDLE_TIME_AGENT", Duration, Activity, &["Agent idle time"]).agent(Column::Available),
        metric(
            "SUM_NON_PRODUCTIVE_TIME_AGENT",
            Duration,
            Activity,
            &["Non-Productive Time", "Agent non-productive time"],
        )
        .agent(Column::Aux),
        metric("SUM_ERROR_STATUS_TIME_AGENT", Duration, Activity, &["Error status time"])
            .agent(Column::Error),
        metric("SUM_CONTACT_TIME_AGENT", Duration, Activity, &["Agent on contact time"]),
        metric("AGENT_OCCUPANCY", Percent, Activity, &["Occupancy"]),
        metric("AGENT_ANSWER_RATE", Percent, Activity, &["Agent answer rate"]),
        metric("AGENT_NON_RESPONSE", Count, Activity, &["Contacts missed", "Agent non-response"]),
        metric(
            "AGENT_NON_RESPONSE_WITHOUT_CUSTOMER_ABANDONS",
            Count,
            Activity,
            &["Agent non-response without customer abandons"],
        ),
        metric("SUM_CONNECTING_TIME_AGENT", Duration, Activity, &["Agent incoming connecting time"])
            .of(INITIATION, &["INBOUND"]),
        metric("SUM_CONNECTING_TIME_AGENT", Duration, Activity, &["Agent outbound connecting time"])
            .of(INITIATION, &["OUTBOUND"]),
        metric("SUM_CONNECTING_TIME_AGENT", Duration, Activity, &["Agent callback connecting time"])
            .of(INITIATION, &["CALLBACK"]),
        metric("SUM_CONNECTING_TIME_AGENT", Duration, Activity, &["Agent API connecting time"])
            .of(INITIATION, &["API"]),
        metric("AVG_AGENT_CONNECTING_TIME", Duration, Activity, &["Average agent incoming connecting time"])
            .of(INITIATION, &["INBOUND"]),
        metric("AVG_AGENT_CONNECTING_TIME", Duration, Activity, &["Average agent outbound connecting time"])
            .of(INITIATION, &["OUTBOUND"]),
        metric("AVG_AGENT_CONNECTING_TIME", Duration, Activity, &["Average agent callback connecting time"])
            .of(INITIATION, &["CALLBACK"]),
        metric("AVG_AGENT_CONNECTING_TIME", Duration, Activity, &["Average agent API connecting time"])
            .of(INITIATION, &["API"]),
        metric("AGENT_SCHEDULE_ADHERENCE", Percent, Activity, &["Adherence"]),
        metric("AGENT_ADHERENT_TIME", Duration, Activity, &["Adherent time"]),
        metric("AGENT_NON_ADHERENT_TIME", Duration, Activity, &["Non-adherent time"]),
        metric("AGENT_SCHEDULED_TIME", Duration, Activity, &["Scheduled time"]),
    ]
};
