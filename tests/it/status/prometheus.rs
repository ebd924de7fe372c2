//! `status --format prometheus`, read by a strict parser of the text exposition format.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::text_of;
use crate::harness::{Scene, output_of};

/// The labels of a sample.
type Labels = BTreeMap<String, String>;

/// A metric: its type, and the values of its samples.
#[derive(Debug)]
struct Metric {
    kind: String,
    samples: BTreeMap<Labels, f64>,
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Parses `name="value",…` without its braces.
fn labels(mut text: &str) -> Labels {
    let mut labels = Labels::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").expect("a label and its value");
        assert!(is_name(name) && !name.starts_with("__"), "{name}");
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => break at,
                (_, '\\') => match chars.next().expect("an escaped character").1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    c => panic!("\\{c} is no escape"),
                },
                (_, c) => value.push(c),
            }
        };
        assert!(
            labels.insert(name.to_owned(), value).is_none(),
            "{name} twice"
        );
        text = &rest[end + 1..];
        if !text.is_empty() {
            text = text.strip_prefix(',').expect("a comma");
            assert!(!text.is_empty(), "a comma at the end");
        }
    }
    labels
}

/// Parses the text exposition format: of each metric HELP, then TYPE, then its samples, all in one place.
fn parse(text: &str) -> BTreeMap<String, Metric> {
    assert!(text.ends_with('\n'), "the last line has no end");
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let mut helped: Option<String> = None;
    let mut current: Option<String> = None;
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            assert_eq!(helped, None, "{line}");
            let (name, help) = help.split_once(' ').expect("a help");
            assert!(is_name(name) && !help.is_empty(), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert_eq!(helped.take().as_deref(), Some(name), "{line}");
            assert!(["gauge", "counter"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            let metric = Metric {
                kind: kind.to_owned(),
                samples: BTreeMap::new(),
            };
            let earlier = metrics.insert(name.to_owned(), metric);
            assert!(earlier.is_none(), "{name} is described twice");
            current = Some(name.to_owned());
        } else {
            let (metric, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels_text) = match metric.split_once('{') {
                Some((name, rest)) => (name, rest.strip_suffix('}').expect("a brace")),
                None => (metric, ""),
            };
            assert_eq!(current.as_deref(), Some(name), "{line}");
            assert_eq!(helped, None, "{line}");
            let value: f64 = value.parse().expect("a number");
            assert!(value.is_finite() && value >= 0.0, "{line}");
            let metric = metrics.get_mut(name).expect("described");
            let is_new = metric.samples.insert(labels(labels_text), value).is_none();
            assert!(is_new, "{line} twice");
        }
    }
    assert_eq!(helped, None);
    metrics
}

/// Returns the value of a sample.
#[track_caller]
fn value(metrics: &BTreeMap<String, Metric>, name: &str, pairs: &[(&str, &str)]) -> f64 {
    let name = format!("scp079_avatar_{name}");
    let metric = metrics.get(&name).unwrap_or_else(|| panic!("{name}"));
    let pairs = pairs.iter();
    let labels: Labels = pairs
        .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
        .collect();
    let value = metric.samples.get(&labels);
    *value.unwrap_or_else(|| panic!("{labels:?} is not in {metric:?}"))
}

#[test]
fn the_metrics_are_valid_and_have_the_figures_of_status() {
    let mut scene = Scene::with_photo_size(64);
    // An instance that never ran has metrics, too.
    let metrics = parse(&text_of(&scene, "status", &["--format", "prometheus"]));
    assert_eq!(value(&metrics, "up", &[]), 0.0);
    assert_eq!(value(&metrics, "trouble", &[("reason", "never_ran")]), 1.0);

    scene.start();
    let user = scene.join_user();
    scene.wait_for_outcome(user, "forwarded");
    scene.wait_for_contact();
    let metrics = parse(&text_of(&scene, "status", &["--format", "prometheus"]));
    assert!(
        metrics
            .keys()
            .all(|name| name.starts_with("scp079_avatar_"))
    );
    for (name, labels, expected) in [
        ("ok", &[][..], 1.0),
        ("up", &[], 1.0),
        ("trouble", &[("reason", "no_contact")], 0.0),
        ("groups", &[("state", "watched")], 1.0),
        ("groups", &[("state", "left")], 0.0),
        ("posts_24h", &[("class", "avatars")], 1.0),
        ("oldest_photo_wait_seconds", &[], 0.0),
        ("malformed_envelopes_total", &[], 0.0),
    ] {
        assert_eq!(value(&metrics, name, labels), expected, "{name}");
    }
    let read_at = value(&metrics, "read_timestamp_seconds", &[]);
    let contact = value(&metrics, "last_contact_timestamp_seconds", &[]);
    assert!((0.0..90.0).contains(&(read_at - contact)));
    assert_eq!(
        metrics["scp079_avatar_messages_unreadable_total"].kind,
        "counter"
    );
    assert!(value(&metrics, "job_next_timestamp_seconds", &[("job", "backup")]) > read_at);
    scene.finish();
}

#[test]
fn each_metric_of_the_monitoring_page_is_printed() {
    let mut scene = Scene::with_photo_size(64);
    scene.start();
    scene.wait_for_contact();
    let metrics = parse(&text_of(&scene, "status", &["--format", "prometheus"]));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let page = fs::read_to_string(page).expect("readable");
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: BTreeSet<&str> = words
        .filter(|word| word.starts_with("scp079_avatar_"))
        .collect();
    assert!(named.len() > 4, "{named:?}");
    for name in named {
        assert!(metrics.contains_key(name), "{name}");
    }
    scene.finish();
}

#[test]
fn the_samples_of_an_instance_with_a_name_have_it_as_a_label() {
    let scene = Scene::new();
    let path = scene.write_config();
    let directory = path.with_file_name("scp-079-avatar");
    fs::create_dir(&directory).expect("made");
    let named = directory.join("eu.toml");
    let text = fs::read_to_string(&path).expect("readable");
    let data_dir = format!("[telegram]\ndata_dir = {:?}", scene.data_dir());
    fs::write(&named, text.replace("[telegram]", &data_dir)).expect("written");
    fs::set_permissions(&named, fs::Permissions::from_mode(0o600)).expect("permissions");
    let mut command = scene.command("status");
    command.args(["--format", "prometheus"]);
    let program = command.get_program().to_owned();
    let mut command = std::process::Command::new(program);
    command
        .args(["status", "--format", "prometheus", "--config"])
        .arg(&named)
        .env_clear();
    let (code, out, err) = output_of(&mut command);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let names: BTreeSet<Option<String>> = parse(&out)
        .values()
        .flat_map(|metric| metric.samples.keys())
        .map(|labels| labels.get("name").cloned())
        .collect();
    assert_eq!(names, BTreeSet::from([Some("eu".to_owned())]));
}
