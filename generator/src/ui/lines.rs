//! One line for each of several things under way at once: they change in place on a terminal, else each change is a line.

use super::Ui;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The lines of several things; they vanish from a terminal with this value.
#[derive(Debug)]
pub struct Lines {
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    /// Programs read the output.
    Nowhere,
    /// A person looks.
    Live(MultiProgress),
    /// A file or a pipe.
    Plain(Ui),
}

/// The line of one thing.
#[derive(Debug)]
pub struct Live {
    shown: One,
}

#[derive(Debug)]
enum One {
    Nowhere,
    Live(ProgressBar),
    Plain(Ui, String, Mutex<String>),
}

impl Ui {
    /// Returns where the lines of several things are shown.
    pub fn lines(&self) -> Lines {
        let live = || Shown::Live(MultiProgress::new());
        let plain = || Shown::Plain(self.clone());
        let person = std::io::stderr().is_terminal();
        Lines {
            shown: if self.json() {
                Shown::Nowhere
            } else if person {
                live()
            } else {
                plain()
            },
        }
    }
}

impl Lines {
    /// Adds the line of `name`, which takes `width` characters.
    pub fn add(&self, name: &str, width: usize) -> Live {
        let name = format!(" {name:<width$} ▸");
        Live {
            shown: match &self.shown {
                Shown::Nowhere => One::Nowhere,
                Shown::Live(all) => One::Live(bar(all, name)),
                Shown::Plain(ui) => One::Plain(ui.clone(), name, Mutex::default()),
            },
        }
    }
}

fn bar(all: &MultiProgress, name: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_msg} {elapsed}").expect("it is a template");
    let bar = all.add(ProgressBar::new_spinner().with_style(style).with_prefix(name));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl Live {
    /// Changes what is shown; the same again is not said twice.
    pub fn say(&self, what: &str) {
        match &self.shown {
            One::Nowhere => {}
            One::Live(bar) => bar.set_message(what.to_owned()),
            One::Plain(ui, name, last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if *last != what {
                    ui.say(format_args!("{name} {what}"));
                    what.clone_into(&mut last);
                }
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let One::Live(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
