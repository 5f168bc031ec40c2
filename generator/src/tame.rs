//! Text of others, for a terminal: nothing in it is obeyed, and nothing stands in another order than it is shown.

use crate::ssh::plain;

/// Returns text of others without what a terminal would obey, or would show in another order than it stands.
pub fn tame(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.lines().map(|line| plain_line(line).replace(turns, "·")).collect::<Vec<_>>().join("\n")
}

fn plain_line(line: &str) -> String {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    indent + &plain(line.replace('\t', "    ").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_shown_as_it_stands() {
        assert_eq!(tame("+\tx\u{1b}[2K\n  y\u{202e}z\r"), "+    x·[2K\n  y·z·");
    }
}
