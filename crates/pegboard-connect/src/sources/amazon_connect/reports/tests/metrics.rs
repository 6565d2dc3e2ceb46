use std::collections::HashSet;

use pegboard_model::acd::Unit;

use super::*;

#[test]
fn a_metric_feeds_only_columns_that_mean_the_same() {
    for metric in METRICS {
        for report in AcdReport::ALL {
            let Some(column) = metric.column(report) else { continue };
            assert!(report.has(column) && column.unit() == metric.unit, "{metric:?}");
            let by_the_clock = metric.basis == Basis::Activity;
            assert_eq!(report == AcdReport::AgentInterval, by_the_clock, "{}: {report}", metric.name);
            assert!(!metric.name.starts_with("AVG_"), "{}", metric.name);
        }
    }
}

#[test]
fn a_label_means_one_metric_and_an_id_is_one_metric() {
    let mut labels = HashSet::new();
    for metric in METRICS {
        for label in metric.labels {
            assert!(labels.insert((label.to_lowercase(), metric.in_time.is_some())), "{label}");
            let label =
                if metric.in_time.is_some() { format!("{label} in 40 seconds") } else { (*label).to_owned() };
            let threshold = metric.in_time.map(|_| Millis::from_seconds(40));
            let meaning = Some(Meaning::Metric(metric, threshold));
            assert_eq!(Labels::default().meaning(&label), meaning, "{label}");
            assert_eq!(metric.id(threshold).parse().ok(), meaning, "{label}");
        }
    }
}

#[test]
fn thresholds_are_any_number_of_seconds_minutes_hours_or_days() {
    let ids = |label: &str| match Labels::default().meaning(label) {
        Some(Meaning::Metric(metric, threshold)) => metric.id(threshold),
        other => format!("{other:?}"),
    };
    for (label, id) in [
        ("Contacts answered in 20 seconds", "SUM_CONTACTS_ANSWERED_IN_X(20)"),
        ("Contacts answered 40 seconds", "SUM_CONTACTS_ANSWERED_IN_X(40)"),
        ("contacts ABANDONED  1 second", "SUM_CONTACTS_ABANDONED_IN_X(1)"),
        ("Contact abandoned in 5 seconds", "SUM_CONTACTS_ABANDONED_IN_X(5)"),
        ("Service level 2 minutes", "SERVICE_LEVEL(120)"),
        ("Service level 7 days", "SERVICE_LEVEL(604800)"),
        ("Contact abandoned", "CONTACTS_ABANDONED"),
        ("Contacts transferred in", "CONTACTS_CREATED(INITIATION_METHOD=TRANSFER,QUEUE_TRANSFER)"),
    ] {
        assert_eq!(ids(label), id, "{label}");
    }
    for label in [
        "Service level",
        "Service level 8 days",
        "Service level 0 seconds",
        "Service level x seconds",
        "20 seconds",
    ] {
        assert_eq!(ids(label), "None", "{label}");
    }
}

/// The public service model, where it is at hand: our names and units are its own, but for two that it misprints.
#[test]
fn names_and_units_are_those_of_the_service_model() {
    let Some(model) = crate::test_data::shared("api-samples/getmetricdatav2-metrics.tsv") else { return };
    let units: HashMap<_, _> = model
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some((fields.next()?, fields.next()?))
        })
        .collect();
    for metric in METRICS.iter().filter(|metric| metric.name != "CONTACTS_CONSULTED") {
        let unit = *units.get(metric.name).unwrap_or_else(|| panic!("no {}", metric.name));
        let expected = match metric.unit {
            _ if ["SUM_HOLD_TIME", "CONTACTS_TRANSFERRED_OUT_INTERNAL"].contains(&metric.name) => continue,
            Unit::Count => ["Count", "Count"],
            Unit::Duration => ["Seconds", "Seconds"],
            Unit::Percent => ["Percent", "Percentage"],
        };
        assert!(expected.contains(&unit), "{}: {unit}", metric.name);
    }
}
