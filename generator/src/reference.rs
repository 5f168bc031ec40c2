//! What the program says of its own words: keys from the schemas, findings from their list. Nothing is written twice:
//! `knarr explain`, docs/reference/ and editors show the same texts.

mod find;
mod key;
mod page;
mod show;

pub use find::{Answer, find};
pub use key::{File, Key, Word, files};
pub use page::{files_page, findings_page};
pub use show::{lists, text};
