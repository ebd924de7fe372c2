//! The `console` blocks of the documents: commands, and the output that is shown for them.

/// A command in a `console` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Example {
    /// The command without its prompt.
    pub(super) command: String,
    /// True if the prompt is that of root.
    pub(super) as_root: bool,
    /// The output that the document shows, often none.
    pub(super) output: String,
}

/// Returns the commands of a document in their order.
pub(super) fn examples(document: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let blocks = document.split("```console\n").skip(1);
    for line in blocks.flat_map(|block| block.split("```").next().expect("an end").lines()) {
        let command = ["$ ", "# "].map(|prompt| line.strip_prefix(prompt));
        if let Some(command) = command[0].or(command[1]) {
            examples.push(Example {
                command: command.to_owned(),
                as_root: line.starts_with('#'),
                output: String::new(),
            });
        } else {
            let example = examples.last_mut().expect("a command before its output");
            example.output.push_str(line);
            example.output.push('\n');
        }
    }
    assert!(!examples.is_empty(), "there is no command");
    examples
}

/// Returns the outputs that a document shows for a command.
pub(super) fn outputs_of(document: &str, command: &str) -> Vec<String> {
    let mut examples = examples(document);
    examples.retain(|example| example.command == command);
    examples.into_iter().map(|example| example.output).collect()
}

/// Fails unless the output has the quoted text, in which `…` stands for any text.
#[track_caller]
pub(super) fn assert_quoted(quoted: &str, output: &str) {
    let mut rest = output;
    for part in quoted.split('…') {
        let part = part.strip_prefix('\n').unwrap_or(part);
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("{part:?} is quoted, the program prints\n{output}"));
        rest = &rest[at + part.len()..];
    }
}

/// Reduces lines to what does not depend on the moment and on ids: each number becomes 0, each unit of time or size
/// becomes the smallest one, each run of spaces becomes one space.
pub(super) fn shapes(text: &str) -> Vec<String> {
    text.lines().map(shape).collect()
}

fn shape(line: &str) -> String {
    let line = line.replace("just now", "1 s ago");
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let word = without_digits(word);
        let (name, end) = word.split_at(word.trim_end_matches(['.', ',', ')']).len());
        let shape = match (words.last().map(String::as_str), name) {
            (Some("commit"), _) => format!("0{end}"),
            (Some(last), "s" | "min" | "h" | "days") if last.ends_with('0') => format!("s{end}"),
            (Some(last), "bytes" | "KiB" | "MiB") if last.ends_with('0') => format!("bytes{end}"),
            _ => word,
        };
        words.push(shape);
    }
    words.join(" ")
}

/// Replaces each number, also one with a decimal point, by 0.
fn without_digits(word: &str) -> String {
    let mut shape = String::new();
    for c in word.chars() {
        match c {
            '0'..='9' if shape.ends_with("0.") => {
                shape.pop();
            }
            '0'..='9' if shape.ends_with('0') => {}
            '0'..='9' => shape.push('0'),
            c => shape.push(c),
        }
    }
    shape
}
