//! A body of Twilio: a form, an array of `CloudEvents`, a page of events.

use pegboard_connect::sources::twilio::{
    Activities, ContactSettings, Content, Signed, SiteStyle, TaskBook, decode, observations,
};
use pegboard_model::{Order, PartitionId, Position};

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let form = "EventType=reservation.accepted&Sid=EV1&TimestampMs=1767225605123&TaskSid=WT1&TaskQueueSid=WQ1\
                &TaskQueueEnteredDate=1767225603&TaskChannelUniqueName=voice&ReservationSid=WR1&ReservationVersion=2\
                &WorkerSid=WK1&WorkerName=a%40b&WorkerVersion=7&WorkerActivityName=Available";
    let page = r#"{"events":[{"sid":"EV1","event_type":"task.canceled","event_date":"2026-01-01T00:00:00Z","event_data":{"task_sid":"WT1","task_queue_sid":"WQ1","task_queue_entered_date":"1767225603"}}]}"#;
    let streamed = r#"[{"specversion":"1.0","type":"com.twilio.taskrouter.worker.activity.update","data":{"sid":"EV1","payload":{"eventtype":"worker.activity.update","timestamp":"2026-01-01T00:00:00Z","worker_sid":"WK1","worker_activity_name":"Break","worker_attributes":"{\"full_name\":\"A\"}"}}}]"#;
    let as_text = r#"[{"specversion":"1.0","type":"com.twilio.taskrouter.task-queue.entered","data":"{\"payload\":{\"sid\":\"EV2\",\"eventtype\":\"task-queue.entered\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"task_sid\":\"WT1\",\"task_queue_sid\":\"WQ1\"}}"}]"#;
    [form, page, streamed, as_text].map(|body| body.as_bytes().to_vec()).to_vec()
}

/// What is told is told the same way again; nothing that is about nobody comes of it; no signature fits by chance.
pub(crate) fn take(bytes: &[u8]) {
    let body = decode(bytes);
    assert_eq!(decode(bytes), body);
    let text = String::from_utf8_lossy(bytes);
    for content in [Content::Form(bytes), Content::Json(bytes)] {
        assert!(Signed { url: &text, signature: &text, content }.check(&["12345"]).is_err());
    }
    let Ok(body) = body else { return };
    let order = Order { partition: PartitionId::from("0"), position: Position::Number(0) };
    let mut book = TaskBook::default();
    for event in &body.events {
        let seen = observations(event, SiteStyle::Composed, &Activities::default(), &order);
        assert!(seen.iter().all(|one| one.at == event.at && !one.agent.as_str().is_empty()));
        book.take(event).unwrap();
    }
    for leg in book.legs(&ContactSettings { outbound: true, written: true, ..ContactSettings::default() }) {
        assert!(leg.queue.is_some() || leg.agent.is_some());
    }
}
