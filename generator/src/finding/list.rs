//! The macro that makes an enum of findings with its tables from one list.

/// Makes the enum with its four tables from one list.
macro_rules! faults {
    ($($(#[$doc:meta])+ $code:ident $severity:ident $name:ident { $($(#[$field_doc:meta])+ $field:ident: $type:ty),* $(,)? }
        = $message:literal, $help:literal;)+) => {
        /// One kind of mistake in a repository.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])+ $name { $($(#[$field_doc])+ $field: $type),* },)+
        }
        impl Fault {
            /// Returns its stable code, e.g. `KN0102`.
            pub fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($code),)+ }
            }
            /// Returns how much it weighs.
            pub fn severity(&self) -> Severity {
                match self { $(Self::$name { .. } => Severity::$severity,)+ }
            }
            /// Returns what is wrong, in one sentence.
            pub fn message(&self) -> String {
                match self { $(
                    Self::$name { $($field),* } => { $(let _ = $field;)* format!($message) })+ }
            }
            /// Returns what to do about it, in one sentence.
            pub fn help(&self) -> String {
                match self { $(
                    Self::$name { $($field),* } => { $(let _ = $field;)* format!($help) })+ }
            }
        }
    };
}
