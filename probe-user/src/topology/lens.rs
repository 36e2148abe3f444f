//! How conversations become nodes.

use super::placement::Clock;

/// What one must know besides conversations to make a graph of them.
#[derive(Clone, Copy, Debug)]
pub struct Lens<'a> {
    /// This host's name.
    pub host: &'a str,
    /// Whether the commands of a container are nodes, each its own, in place of the container.
    pub processes: bool,
    /// To tell the age of what should have been told again.
    pub clock: Option<Clock>,
    /// Whether send and receive calls are counted.
    pub counts_calls: bool,
    /// Whether some container engine does not answer.
    pub engine_silent: bool,
}

impl<'a> From<&'a str> for Lens<'a> {
    fn from(host: &'a str) -> Self {
        Self {
            host,
            processes: false,
            clock: None,
            counts_calls: true,
            engine_silent: false,
        }
    }
}
