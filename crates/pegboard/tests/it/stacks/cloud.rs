//! A stand-in of AWS, and stacks in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a stack may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The parameter of Systems Manager that names the machine image; moto knows this image.
pub(super) const IMAGE_PARAMETER: &str = "/test/image";

/// A server that stands in for AWS.
pub(super) struct Cloud {
    /// `host:port`.
    address: String,
}

/// What a stack was asked for: its parameters by name.
pub(super) type Parameters = BTreeMap<&'static str, String>;

/// A stack that was created.
#[derive(Debug)]
pub(super) struct Stack {
    /// Its outputs by name.
    pub(super) outputs: BTreeMap<String, String>,
}

impl Stack {
    /// An output that must be there.
    #[track_caller]
    pub(super) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("no output {name} in {:?}", self.outputs))
    }
}

impl Cloud {
    /// The server that this variable names; says so on stderr if there is none.
    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
    pub(super) fn from_env(variable: &str) -> Option<Self> {
        let Ok(url) = std::env::var(variable) else {
            eprintln!("skipped: {variable} names no server of AWS");
            return None;
        };
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Some(Self { address })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Creates a stack, and waits until that has succeeded.
    pub(super) fn create(&self, name: &str, template: &str, parameters: &Parameters) -> Stack {
        self.ask_to_create(name, template, parameters);
        self.created(name)
    }

    /// Asks for a stack; answers its id.
    pub(super) fn ask_to_create(&self, name: &str, template: &str, parameters: &Parameters) -> String {
        let mut form = vec![
            ("Action".to_owned(), "CreateStack".to_owned()),
            ("Version".to_owned(), "2010-05-15".to_owned()),
            ("StackName".to_owned(), name.to_owned()),
            ("TemplateBody".to_owned(), template.to_owned()),
            ("Capabilities.member.1".to_owned(), "CAPABILITY_IAM".to_owned()),
        ];
        for (number, (key, value)) in (1..).zip(parameters) {
            form.push((format!("Parameters.member.{number}.ParameterKey"), (*key).to_owned()));
            form.push((format!("Parameters.member.{number}.ParameterValue"), value.clone()));
        }
        let answer = self.form("cloudformation", &form);
        between(&answer, "<StackId>", "</StackId>").expect("the id of the stack").to_owned()
    }

    /// Waits until a stack is there.
    pub(super) fn created(&self, name: &str) -> Stack {
        let deadline = Instant::now() + PATIENCE;
        let asked = [("Action", "DescribeStacks"), ("Version", "2010-05-15"), ("StackName", name)];
        loop {
            let answer = self.form("cloudformation", &asked.map(|(key, value)| (key.into(), value.into())));
            let status = between(&answer, "<StackStatus>", "</StackStatus>").expect("a status").trim();
            if status == "CREATE_COMPLETE" {
                return Stack { outputs: outputs(&answer) };
            }
            assert_eq!(status, "CREATE_IN_PROGRESS", "{answer}");
            assert!(Instant::now() < deadline, "{name} is not created within a minute: {answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A network with subnets in two zones: the ids of the three.
    pub(super) fn network(&self) -> [String; 3] {
        let ec2 = |parameters: &[(&str, &str)], found: &str| {
            let mut form = vec![("Version".to_owned(), "2016-11-15".to_owned())];
            form.extend(parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
            let answer = self.form("ec2", &form);
            between(&answer, &format!("<{found}>"), &format!("</{found}>")).unwrap().to_owned()
        };
        let vpc = ec2(&[("Action", "CreateVpc"), ("CidrBlock", "10.0.0.0/16")], "vpcId");
        let subnet = |range: &str, zone: &str| {
            let asked = [
                ("Action", "CreateSubnet"),
                ("VpcId", &vpc),
                ("CidrBlock", range),
                ("AvailabilityZone", zone),
            ];
            ec2(&asked, "subnetId")
        };
        let (first, second) = (subnet("10.0.1.0/24", "us-east-1a"), subnet("10.0.2.0/24", "us-east-1b"));
        [vpc, first, second]
    }

    /// Says which image machines are made of.
    pub(super) fn name_the_image(&self) {
        let parameter = json!({
            "Name": IMAGE_PARAMETER, "Type": "String", "Value": "ami-12c6146b", "Overwrite": true,
        });
        self.call("ssm", "AmazonSSM.PutParameter", &parameter);
    }

    pub(super) fn make_bucket(&self, name: &str) {
        self.ok("PUT", &format!("/{name}"), "s3", "", b"");
    }

    pub(super) fn put(&self, bucket: &str, key: &str, content: &[u8]) {
        self.ok("PUT", &format!("/{bucket}/{key}"), "s3", "", content);
    }

    /// A role that anybody may take on.
    pub(super) fn make_role(&self, name: &str) {
        let form = [
            ("Action", "CreateRole"),
            ("Version", "2010-05-08"),
            ("RoleName", name),
            ("AssumeRolePolicyDocument", "{\"Version\":\"2012-10-17\",\"Statement\":[]}"),
        ];
        self.form("iam", &form.map(|(key, value)| (key.into(), value.into())));
    }

    /// Asks a service that speaks JSON.
    pub(super) fn call(&self, service: &str, target: &str, body: &Value) -> Value {
        let head = format!("x-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.1\r\n");
        let answer = self.ok("POST", "/", service, &head, body.to_string().as_bytes());
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// What a path answers.
    pub(super) fn get(&self, path: &str, service: &str) -> String {
        self.ok("GET", path, service, "", b"")
    }

    /// Puts a JSON body to a path.
    pub(super) fn put_json(&self, path: &str, service: &str, body: &Value) {
        let head = "content-type: application/json\r\n";
        self.ok("PUT", path, service, head, body.to_string().as_bytes());
    }

    fn form(&self, service: &str, fields: &[(String, String)]) -> String {
        let body: Vec<String> =
            fields.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value))).collect();
        let head = "content-type: application/x-www-form-urlencoded\r\n";
        self.ok("POST", "/", service, head, body.join("&").as_bytes())
    }

    #[track_caller]
    fn ok(&self, method: &str, path: &str, service: &str, head: &str, body: &[u8]) -> String {
        let (status, answer) = self.exchange(method, path, service, head, body);
        assert!((200..300).contains(&status), "{method} {path} of {service}: {status}: {answer}");
        answer
    }

    /// The server believes any signature, and reads only which service it is for.
    fn exchange(&self, method: &str, path: &str, service: &str, head: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let scope = format!("test/20260101/us-east-1/{service}/aws4_request");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential={scope}, SignedHeaders=host, Signature=0\r\n{head}content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer[9..12].parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }
}

/// What stands between two texts.
pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(found, _)| found)
}

fn outputs(answer: &str) -> BTreeMap<String, String> {
    let Some(all) = between(answer, "<Outputs>", "</Outputs>") else { return BTreeMap::new() };
    let output = |member: &str| {
        let text = |name: &str| between(member, &format!("<{name}>"), &format!("</{name}>"));
        Some((text("OutputKey")?.to_owned(), text("OutputValue")?.replace("&amp;", "&")))
    };
    all.split("</member>").filter_map(output).collect()
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => escaped.push(char::from(byte)),
            _ => write!(escaped, "%{byte:02X}").unwrap(),
        }
        escaped
    })
}
