//! What the templates say, as text.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The template of the hub.
pub(super) const HUB: &str = include_str!("../../../../../deploy/aws/pegboard.yaml");

/// The template for Aspect WFM.
pub(super) const ASPECT: &str = include_str!("../../../../../deploy/aws/aspect.yaml");

/// The most bytes of a template that is sent with the request.
const MOST_BYTES: usize = 51_200;

/// The statements whose actions AWS knows no resource for.
const WITHOUT_RESOURCE: [&str; 2] = ["SignInToEcr", "FindTheCluster"];

/// The actions of a line of a template, such as `- s3:GetObject`.
fn actions(line: &str) -> Vec<&str> {
    let Some(item) = line.trim().strip_prefix("- ") else { return Vec::new() };
    if !item.starts_with("!If [") && item.contains(' ') {
        return Vec::new();
    }
    let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '*' | '-'));
    let action = |text: &&str| {
        let parts = text.split_once(':');
        parts.is_some_and(|(service, name)| {
            service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                && !service.is_empty()
                && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '*')
        })
    };
    item.split(word).filter(action).collect()
}

/// What each statement of a template allows, by its Sid.
fn statements(template: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut sid = "";
    for line in template.lines() {
        if let Some(name) = line.trim().strip_prefix("- Sid: ") {
            sid = name;
        }
        for action in actions(line) {
            found.entry(sid).or_default().insert(action);
        }
    }
    found
}

/// What the documentation says of the source, and of the archive.
const SOURCE: &str = include_str!("../../../../../docs/sources/amazon-connect.md");
const ARCHIVE: &str = include_str!("../../../../../docs/archive.md");

/// The actions that a statement of a page of the documentation allows.
fn documented(page: &'static str, statement: &str) -> BTreeSet<&'static str> {
    let from =
        page.find(&format!("\"Sid\": \"{statement}\"")).expect("the statement is in the documentation");
    let list = page[from..].split_once("\"Action\": [").and_then(|(_, rest)| rest.split_once(']')).unwrap().0;
    list.split(',').map(|action| action.trim().trim_matches('"')).collect()
}

#[test]
fn s22_no_statement_allows_everything() {
    for (name, template) in [("pegboard.yaml", HUB), ("aspect.yaml", ASPECT)] {
        let mut sid = "";
        let mut allowed = 0;
        for line in template.lines() {
            if let Some(name) = line.trim().strip_prefix("- Sid: ") {
                sid = name;
            }
            for action in actions(line) {
                allowed += 1;
                assert!(!action.contains('*'), "{name}, {sid}: {action}");
            }
            if line.contains("\"*\"") {
                assert!(WITHOUT_RESOURCE.contains(&sid), "{name}, {sid}: {line}");
            }
        }
        assert!(allowed > 15, "{name}: {allowed} actions were found");
        assert!(!template.contains("arn:aws:iam::aws:policy"), "{name}: AWS's own policies allow more");
    }
}

#[test]
fn s22_the_hub_is_allowed_what_the_documentation_says_it_asks_for() {
    let hub = statements(HUB);
    for statement in ["Poll", "Objects", "Notifications", "Look"] {
        assert_eq!(hub[statement], documented(SOURCE, statement), "{statement}");
    }
    for statement in ["ListArchive", "Archive", "ArchiveKey"] {
        assert_eq!(hub[statement], documented(ARCHIVE, statement), "{statement}");
    }
    assert_eq!(statements(ASPECT)["Poll"], documented(SOURCE, "Poll"));
}

#[test]
fn the_hub_has_the_parameters_that_administrators_know() {
    let known = [
        ("VpcId", "AWS::EC2::VPC::Id", ""),
        ("SubnetId1", "AWS::EC2::Subnet::Id", ""),
        ("SubnetId2", "AWS::EC2::Subnet::Id", ""),
        ("AvailabilityZone1", "AWS::EC2::AvailabilityZone::Name", ""),
        ("AvailabilityZone2", "AWS::EC2::AvailabilityZone::Name", ""),
        ("InstanceType", "String", "Default: t3.small"),
        ("AmazonConnectS3BucketName", "String", ""),
        ("AmazonConnectS3FolderPrefix", "String", ""),
        ("AmazonConnectKinesisStreamARN", "String", ""),
        ("AmazonConnectKinesisStreamName", "String", ""),
        ("EnableCloudWatchAlarms", "String", "AllowedValues: [\"YES\", \"NO\"]"),
        ("AlarmNotificationEmail1", "String", "Default: \"\""),
        ("AlarmNotificationEmail2", "String", "Default: \"\""),
        ("AlarmNotificationEmail3", "String", "Default: \"\""),
        ("AlarmNotificationEmail4", "String", "Default: \"\""),
        ("AlarmNotificationEmail5", "String", "Default: \"\""),
    ];
    let parameters = HUB.split_once("\nParameters:\n").unwrap().1.split_once("\nRules:\n").unwrap().0;
    for (name, kind, with) in known {
        let (_, after) =
            parameters.split_once(&format!("  {name}:\n")).unwrap_or_else(|| panic!("no {name}"));
        let of_it: Vec<&str> = after.lines().take_while(|line| line.starts_with("    ")).collect();
        assert!(of_it.contains(&format!("    Type: {kind}").as_str()), "{name}: {of_it:?}");
        assert!(of_it.iter().any(|line| line.trim().starts_with(with)), "{name}: {of_it:?}");
    }
}

#[test]
fn what_holds_data_outlives_its_stack_and_its_replacement() {
    let kinds = [
        (HUB, "AWS::EC2::Volume"),
        (HUB, "AWS::SQS::Queue"),
        (ASPECT, "AWS::Kinesis::Stream"),
        (ASPECT, "AWS::S3::Bucket"),
        (ASPECT, "AWS::DynamoDB::Table"),
    ];
    for (template, kind) in kinds {
        let resources: Vec<&str> = template.split(&format!("    Type: {kind}\n")).skip(1).collect();
        assert!(!resources.is_empty(), "{kind}");
        for resource in resources {
            let head = resource.split_once("    Properties:\n").unwrap().0;
            assert!(head.contains("    DeletionPolicy: Retain\n"), "{kind}: {head}");
            assert!(head.contains("    UpdateReplacePolicy: Retain\n"), "{kind}: {head}");
        }
    }
    let queues = ASPECT.split("    Type: AWS::SQS::Queue\n").skip(1);
    assert_eq!(queues.filter(|queue| queue.contains("    UpdateReplacePolicy: Retain\n")).count(), 10);
}

#[test]
fn a_template_can_be_sent_with_the_request() {
    for template in [HUB, ASPECT] {
        assert!(template.len() <= MOST_BYTES, "{} bytes", template.len());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "where the tool is is the test's own setting")]
fn cfn_lint_finds_nothing() {
    let Ok(tool) = std::env::var("PEGBOARD_TEST_CFN_LINT") else {
        eprintln!("skipped: PEGBOARD_TEST_CFN_LINT names no cfn-lint");
        return;
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/aws");
    let linted = Command::new(tool)
        .current_dir(folder)
        .args(["--regions", "us-east-1", "eu-central-1", "--", "pegboard.yaml", "aspect.yaml"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&linted.stdout);
    assert!(linted.status.success(), "{said}{}", String::from_utf8_lossy(&linted.stderr));
    assert_eq!(said, "");
}
