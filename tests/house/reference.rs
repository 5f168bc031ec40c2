//! `docs/reference/` is what the programs say of themselves. `UPDATE_EXPECT=1 cargo test --test house` writes it.

use clap::{Command, CommandFactory};
use expect_test::expect_file;
use std::fmt::Write;

#[test]
fn the_reference_is_what_the_programs_say() {
    expect_file!["../../docs/reference/knarr.md"].assert_eq(&reference(knarr::cli::Cli::whole(), "knarr"));
    expect_file!["../../docs/reference/knarrd.md"]
        .assert_eq(&reference(knarrd::cli::Cli::command(), "knarrd"));
    expect_file!["../../docs/reference/findings.md"].assert_eq(&knarr::reference::findings_page(HOW));
    expect_file!["../../docs/reference/files.md"].assert_eq(&knarr::reference::files_page(HOW));
}

const HOW: &str = "Written by the program: `UPDATE_EXPECT=1 cargo test -p knarr-tests --test house`.";

fn reference(command: Command, name: &str) -> String {
    let mut text = format!("# {name}\n\n{HOW}\n");
    page(&mut text, &mut command.term_width(100), name);
    text
}

/// Adds the help of a command and of all below it.
fn page(text: &mut String, command: &mut Command, name: &str) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(text, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end())
        .expect("a String takes all text");
    for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
        let name = format!("{name} {}", below.get_name());
        page(text, &mut below.clone().bin_name(&name), &name);
    }
}
