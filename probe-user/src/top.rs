//! What `probe top` shows: who uses how much, now.
//!
//! A [`Look`] is what one tick found out. Each subject (containers, processes, connections, ports,
//! services, files) makes a [`Sheet`] of it: columns and lines of values, which are then sorted, cut,
//! drawn or printed alike, whatever they are of.

pub mod connections;
pub mod containers;
mod ended;
pub mod files;
mod look;
pub mod ports;
pub mod processes;
#[cfg(test)]
pub(crate) mod sample;
pub mod services;
mod sheet;
pub mod state;
#[cfg(test)]
mod tests;
mod traffic;

use crate::filter::Kind;
pub use ended::EndedReading;
pub use look::{Listed, Look, Looker, Talk};
pub use sheet::{Cell, Column, Line, Of, Sheet, Show};
pub use traffic::{Flowing, NetRates, Traffic};

/// What is listed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Subject {
    /// A container a line.
    Containers,
    /// A process a line.
    Processes,
    /// An edge of the graph a line.
    Connections,
    /// A server and what it listens on a line.
    Ports,
    /// A service a line: of ECS, Swarm or Compose.
    Services,
    /// A file and a command that uses it a line.
    Files,
}

impl Subject {
    /// One word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Processes => "processes",
            Self::Connections => "connections",
            Self::Ports => "ports",
            Self::Services => "services",
            Self::Files => "files",
        }
    }

    /// All of them, in the order in which one steps through them.
    pub const ALL: [Self; 6] = [
        Self::Containers,
        Self::Processes,
        Self::Connections,
        Self::Ports,
        Self::Services,
        Self::Files,
    ];

    /// The column that lines are sorted by unless told otherwise.
    #[must_use]
    pub const fn busiest(self) -> &'static str {
        match self {
            Self::Containers | Self::Processes | Self::Services => "cpu",
            Self::Connections | Self::Ports | Self::Files => "rate",
        }
    }

    /// What a filter is asked of: the lines, or what they are made of.
    #[must_use]
    pub const fn filtered(self) -> Kind {
        match self {
            Self::Containers | Self::Services => Kind::Container,
            Self::Processes => Kind::Process,
            Self::Connections | Self::Ports => Kind::Edge,
            Self::Files => Kind::File,
        }
    }

    /// Its columns, in the order of its cells.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Containers => &containers::COLUMNS,
            Self::Processes => &processes::COLUMNS,
            Self::Connections => &connections::COLUMNS,
            Self::Ports => &ports::COLUMNS,
            Self::Services => &services::COLUMNS,
            Self::Files => &files::COLUMNS,
        }
    }

    /// The sheet of a look, unsorted.
    #[must_use]
    pub fn sheet(self, look: &Look<'_>) -> Sheet {
        let lines = match self {
            Self::Containers => containers::lines(look),
            Self::Processes => processes::lines(look),
            Self::Connections => connections::lines(look),
            Self::Ports => ports::lines(look),
            Self::Services => services::lines(look),
            Self::Files => files::lines(look),
        };
        Sheet {
            columns: self.columns(),
            lines,
        }
    }
}
