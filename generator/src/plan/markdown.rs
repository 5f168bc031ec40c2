//! A plan as the comment of a pull request. Pure, and what others named stays a name: nothing of it is Markdown or HTML.

use super::{AppRow, Fate, Planned, Row, WayBack, servers_in_words};
use std::fmt::Write;

/// By this line a job finds the comment that it wrote before.
const MARK: &str = "<!-- knarr-plan -->";

/// The most bytes of a comment. Source: GitHub's API refuses a body of more than 65,536 characters (2026-11).
const LIMIT: usize = 60_000;

/// What lists may take of it, so that something is left for machines and apps.
const LISTS: usize = 30_000;

/// The most rows that lie open.
const OPEN: usize = 15;

/// The most characters of a cell.
const CELL: usize = 600;

/// Returns a plan as Markdown; `range` is what was compared.
pub fn markdown(planned: &Planned, range: &str) -> String {
    let mut page =
        Page { text: format!("{MARK}\n### What {} would do\n\n", code(range)), left_out: Vec::new() };
    page.text += &summary(planned);
    page.list("Destroys data", &planned.destroys);
    page.list("Cannot be undone", &one_way(planned));
    let servers = (!planned.servers.is_empty()).then(|| servers_in_words(&planned.servers));
    page.list("Servers", &servers.into_iter().collect::<Vec<_>>());
    page.list("Notes", &planned.notes);
    page.table(
        "machine",
        ["machine", "change", "impact"],
        &planned.nodes.iter().flat_map(machine).collect::<Vec<_>>(),
    );
    page.table("app", ["app", "object", ""], &planned.apps.iter().flat_map(app).collect::<Vec<_>>());
    page.end()
}

/// What is written, and what has no room.
struct Page {
    text: String,
    left_out: Vec<String>,
}

impl Page {
    fn list(&mut self, title: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "\n**{title}**\n");
        let lines = items.iter().map(|item| format!("- {}\n", plain(item)));
        let shown = self.fill(lines, LISTS);
        self.leave_out(items.len() - shown, title);
    }

    fn table(&mut self, what: &str, head: [&str; 3], rows: &[[String; 3]]) {
        if rows.is_empty() {
            return;
        }
        let folded = rows.len() > OPEN;
        let count = format!("{} lines, by {what}", rows.len());
        let _ = if folded { write!(self.text, "\n<details><summary>{count}</summary>\n") } else { Ok(()) };
        let _ = writeln!(self.text, "\n| {} |\n|---|---|---|", head.join(" | "));
        let line = |row: &[String; 3]| format!("| {} |\n", row.each_ref().map(|cell| code(cell)).join(" | "));
        let shown = self.fill(rows.iter().map(line), LIMIT);
        if folded {
            self.text += "\n</details>\n";
        }
        self.leave_out(rows.len() - shown, &format!("lines by {what}"));
    }

    /// Adds lines while there is room; returns how many.
    fn fill(&mut self, lines: impl Iterator<Item = String>, limit: usize) -> usize {
        let before = lines.take_while(|line| {
            let fits = self.text.len() + line.len() <= limit;
            if fits {
                self.text += line;
            }
            fits
        });
        before.count()
    }

    fn leave_out(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.left_out.push(format!("{count} of “{what}”"));
        }
    }

    fn end(mut self) -> String {
        if !self.left_out.is_empty() {
            let left = self.left_out.join(", ");
            let _ = writeln!(
                self.text,
                "\n**Too long for a comment: {left} are not shown here.** `knarr plan` shows all."
            );
        }
        self.text
    }
}

fn summary(planned: &Planned) -> String {
    let of = |fate: Fate| planned.nodes.iter().filter(|row| row.fate == fate).count();
    let worst = planned.nodes.iter().filter_map(|row| row.impact).max();
    let counts = [
        (of(Fate::New), "new"),
        (of(Fate::Stays), "changed"),
        (of(Fate::Removed) + of(Fate::Forgotten), "gone"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let machines = match worst {
        _ if planned.nodes.is_empty() => "Nothing changes on any machine".to_owned(),
        Some(worst) => format!("Machines: {}; at worst: **{worst}**", counts.join(", ")),
        None => format!("Machines: {}", counts.join(", ")),
    };
    let apps = match planned.apps.len() {
        0 => "nothing in the cluster".to_owned(),
        count => format!("apps: {count}"),
    };
    format!("{machines}; {apps}.\n")
}

fn one_way(planned: &Planned) -> Vec<String> {
    let steps = planned.nodes.iter().flat_map(|row| row.changes.iter().map(move |step| (row, step)));
    let never = steps.filter(|(_, step)| step.way_back == WayBack::Never && step.refused.is_none());
    never
        .map(|(row, step)| {
            let snapshot = if step.snapshot { ", after a snapshot" } else { "" };
            format!("{}: {}{snapshot}: {}", row.node, step.what, step.why.unwrap_or_default())
        })
        .collect()
}

fn machine(row: &Row) -> Vec<[String; 3]> {
    let line = |[change, terms]: [String; 2]| [row.node.to_string(), change, terms];
    row.words().into_iter().map(line).collect()
}

fn app(row: &AppRow) -> Vec<[String; 3]> {
    let name = format!("{} {}", row.turn.sign(), row.app);
    row.lines().into_iter().map(|(line, note)| [name.clone(), line, note]).collect()
}

/// Returns text of others as code: in it no service looks for links, names of people, or numbers of issues.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let count = text.chars().count();
    let more = if count > CELL { format!(" … {} characters more", count - CELL) } else { String::new() };
    let text: String = text.chars().take(CELL).collect();
    format!("<code>{}</code>{more}", text.chars().map(entity).collect::<String>())
}

/// Returns a sentence in which others may have named something: what calls people or issues is cut from what follows it.
fn plain(text: &str) -> String {
    let word = |c: char| {
        let calls = "@#!$%&~^*:".contains(c);
        if calls { format!("{}&#8203;", entity(c)) } else { entity(c) }
    };
    text.chars().map(word).collect()
}

/// Returns a character so that it stands for itself. A reference is never structure.
/// Source: CommonMark 0.31.2, 6.1 and "Entity and numeric character references"; section 2.5.
fn entity(c: char) -> String {
    match c {
        _ if c.is_alphanumeric() || " ,-/".contains(c) => c.to_string(),
        _ if c.is_whitespace() && c.is_ascii() => " ".to_owned(),
        _ if c.is_control() || is_invisible(c) => "&#65533;".to_owned(),
        _ => format!("&#{};", u32::from(c)),
    }
}

/// Whether it shows nothing, or turns round how its neighbours are shown.
/// Source: Unicode 16, general category Cf and separators, as far as text has them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests;
