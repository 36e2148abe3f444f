//! Columns and lines of values, whatever they are of.

use std::cmp::Ordering;

use crate::{identity::ContainerId, ids::Pid, topology::EdgeKey};

/// One column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Column {
    /// Its name in JSON, CSV and `--sort`.
    pub key: &'static str,
    /// Its title in a table.
    pub title: &'static str,
    /// Where it is shown.
    pub show: Show,
}

/// Where a column is shown. JSON and CSV have all of them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Show {
    /// In every table.
    Always,
    /// In a table with room for it.
    Wide,
    /// In no table.
    Never,
}

/// A table that is not yet sorted, or is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// The columns.
    pub columns: &'static [Column],
    /// As many cells a line as columns.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is of, for who wants to see more of it.
    pub of: Of,
    /// Its values.
    pub cells: Vec<Cell>,
}

/// What a line is of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Of {
    /// A container.
    Container(ContainerId),
    /// A process.
    Process(Pid),
    /// An edge.
    Connection(EdgeKey),
    /// Anything else, by what tells it apart.
    Other(String),
}

/// A value; `None` is one that cannot be known.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Names.
    Text(Option<String>),
    /// A number of things.
    Count(Option<u64>),
    /// Bytes.
    Bytes(Option<u64>),
    /// Bytes a second.
    Rate(Option<f64>),
    /// Things a second.
    Frequency(Option<f64>),
    /// Percent.
    Percent(Option<f64>),
    /// Seconds.
    Seconds(Option<f64>),
}

impl Cell {
    /// A name that is known.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Some(text.into()))
    }

    /// Whether people read it from the left: names, not numbers.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// The number, if it is one and known.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers are compared and drawn, where the 53rd bit does not show"
    )]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(_) => None,
            Self::Count(number) | Self::Bytes(number) => number.map(|number| number as f64),
            Self::Rate(number)
            | Self::Frequency(number)
            | Self::Percent(number)
            | Self::Seconds(number) => *number,
        }
    }

    /// Names from A, numbers from the largest, what is not known last.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(Some(a)), Self::Text(Some(b))) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => b.is_some().cmp(&a.is_some()),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => b.total_cmp(&a),
                (a, b) => b.is_some().cmp(&a.is_some()),
            },
        }
    }
}

impl Sheet {
    /// Puts the lines in the order of a column; lines that are even stay as they are.
    pub fn sort(&mut self, column: usize, reverse: bool) {
        self.lines.sort_by(|a, b| {
            let order = a.cells[column].order(&b.cells[column]);
            if reverse { order.reverse() } else { order }
        });
    }

    /// The column of that key.
    #[must_use]
    pub fn column(columns: &[Column], key: &str) -> Option<usize> {
        columns.iter().position(|column| column.key == key)
    }
}
