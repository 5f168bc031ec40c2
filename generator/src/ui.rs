//! The terminal: the only place that prints and asks.

mod lines;

pub use lines::{Lines, Live};

use crate::error::CliError;
use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::{OwoColorize, Style};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How output looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON value on standard output.
    Json,
    /// For GitHub and Forgejo: a line for each finding, which GitHub shows beside the line of the file.
    #[value(hide = true)]
    Github,
    /// For GitLab: a Code Quality report on standard output; people read on standard error.
    #[value(hide = true)]
    Gitlab,
    /// For the comment of a pull request.
    #[value(hide = true)]
    Markdown,
}

/// The terminal of a command.
#[derive(Clone, Debug)]
pub struct Ui {
    /// How output looks.
    pub format: Format,
    /// Whether questions count as answered with yes.
    pub yes: bool,
    colour: bool,
}

impl Ui {
    /// Makes the terminal; colour only where a person looks and NO_COLOR is not set.
    pub fn new(format: Format, yes: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { format, yes, colour: !plain && std::io::stdout().is_terminal() }
    }

    /// Returns the same terminal, whose questions count as answered when `yes`.
    #[must_use]
    pub fn assume(&self, yes: bool) -> Self {
        Self { yes, ..self.clone() }
    }

    /// Whether programs read the output.
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a CI service reads the output.
    pub fn ci(&self) -> bool {
        matches!(self.format, Format::Github | Format::Gitlab | Format::Markdown)
    }

    /// Whether the output becomes the comment of a pull request.
    pub fn markdown(&self) -> bool {
        self.format == Format::Markdown
    }

    /// Whether colour is shown.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// Whether a person can answer.
    pub fn is_interactive(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
    }

    /// Says a line to people; nothing when programs read.
    pub fn say(&self, line: impl std::fmt::Display) {
        if matches!(self.format, Format::Text | Format::Github) {
            let _ = writeln!(std::io::stdout(), "{line}"); // a closed pipe is the reader's decision
        }
    }

    /// Says a line on standard error, to people, whoever reads the output.
    pub fn note(&self, line: impl std::fmt::Display) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// Says that something is done: ` ✓ …`.
    pub fn done(&self, line: impl std::fmt::Display) {
        self.say(format_args!(" {} {line}", self.paint("✓", Style::new().green())));
    }

    /// Says that something is not right: ` ✗ …`.
    pub fn wrong(&self, line: impl std::fmt::Display) {
        self.say(format_args!(" {} {line}", self.paint("✗", Style::new().red())));
    }

    /// Returns text in a style, where colour is shown.
    pub fn paint(&self, text: &str, style: Style) -> String {
        if self.colour { text.style(style).to_string() } else { text.to_owned() }
    }

    /// Writes a value for programs.
    pub fn value(&self, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).expect("rows for programs are JSON");
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// Writes a text that is whole as it is.
    pub fn text(&self, text: &str) {
        let _ = write!(std::io::stdout(), "{text}"); // a closed pipe is the reader's decision
    }

    /// Writes bytes as they are.
    pub fn bytes(&self, bytes: &[u8]) {
        let mut out = std::io::stdout();
        let _ = out.write_all(bytes).and_then(|()| out.flush()); // a closed pipe is the reader's decision
    }

    /// Writes a table with a head and aligned columns, without lines.
    pub fn table<const N: usize>(&self, head: [&str; N], rows: &[[String; N]]) {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(head);
        for row in rows {
            table.add_row(row);
        }
        for line in table.lines() {
            self.say(line.trim_end());
        }
    }

    /// Asks a question that is answered with yes or no; no is the default.
    ///
    /// # Errors
    /// When nobody can answer and `--yes` was not given.
    pub fn ask(&self, question: &str) -> Result<bool, CliError> {
        if self.yes {
            return Ok(true);
        }
        if !self.is_interactive() {
            return Err(CliError::user(format!("nobody can answer: {question}")).help("add --yes"));
        }
        let answer = self.line(&format!("{question} [y/N] "))?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a line without showing it; none when nobody types.
    pub fn hidden(&self, prompt: &str) -> Result<Option<zeroize::Zeroizing<String>>, CliError> {
        if !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        let term = console::Term::stderr();
        let read = term.write_str(prompt).and_then(|()| term.read_secure_line());
        let typed = read.map_err(|error| CliError::environment(format!("cannot ask: {error}")))?;
        Ok(Some(zeroize::Zeroizing::new(typed)))
    }

    /// Shows a prompt and reads one line.
    pub fn line(&self, prompt: &str) -> Result<String, CliError> {
        let mut out = std::io::stderr();
        let mut answer = String::new();
        let mut read = || {
            write!(out, "{prompt}")
                .and_then(|()| out.flush())
                .and_then(|()| std::io::stdin().read_line(&mut answer))
        };
        read().map_err(|error| CliError::environment(format!("cannot ask: {error}")))?;
        Ok(answer)
    }

    /// Shows that something is under way, on a terminal only, until the value is dropped.
    pub fn progress(&self, what: impl Into<String>) -> Progress {
        if self.json() || !std::io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner().with_message(what.into());
        bar.set_style(ProgressStyle::default_spinner());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(bar)
    }
}

/// Something under way.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Changes what is shown.
    pub fn step(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Returns a number of things in words: `1 commit`, `2 commits`.
pub fn counted(count: usize, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}
