//! What is said over an edge, as it is said: a screen behind the connections.

use std::collections::VecDeque;

use crossterm::event::KeyCode;

use crate::topology::EdgeKey;

/// Messages that are kept to be scrolled back to; older ones go.
const KEPT: usize = 1000;
/// Columns that ← and → move.
const ASIDE: usize = 16;
/// What a tab is drawn as.
const TAB: &str = "    ";

/// The screen of an edge.
#[derive(Debug)]
pub struct Conversation {
    /// Between whom.
    pub edge: EdgeKey,
    /// The same in words.
    pub name: String,
    /// Whether it is heard.
    pub hearing: Hearing,
    /// Messages so far.
    pub count: u64,
    /// Messages that were lost, as they came too fast.
    pub lost: u64,
    /// Whether bytes are shown in hexadecimal.
    pub hex: bool,
    /// Columns to the left of the screen.
    pub aside: usize,
    said: VecDeque<Said>,
    /// Lines below the screen; at 0 it follows what is said.
    below: usize,
    held: bool,
    /// Lines that fit on the screen.
    room: usize,
}

/// Whether what is said is heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Hearing {
    /// The programs are on their way into the kernel.
    Attaching,
    /// It is.
    Live,
    /// It cannot be.
    Refused(String),
}

/// One message, both ways to show it.
#[derive(Debug)]
struct Said {
    text: Vec<String>,
    hex: Vec<String>,
}

impl Said {
    fn lines(&self, hex: bool) -> &[String] {
        if hex { &self.hex } else { &self.text }
    }
}

impl Conversation {
    pub(super) fn new(edge: EdgeKey, name: String) -> Self {
        Self {
            edge,
            name,
            hearing: Hearing::Attaching,
            count: 0,
            lost: 0,
            hex: false,
            aside: 0,
            said: VecDeque::new(),
            below: 0,
            held: false,
            room: 0,
        }
    }

    /// A message, as text and in hexadecimal.
    pub fn hear(&mut self, text: &str, hex: &str) {
        let lines = |text: &str| text.lines().map(|line| line.replace('\t', TAB)).collect();
        let said = Said {
            text: lines(text),
            hex: lines(hex),
        };
        // Who reads what was said before goes on reading it.
        if self.held || self.below > 0 {
            self.below += said.lines(self.hex).len();
        }
        self.count += 1;
        self.said.push_back(said);
        if self.said.len() > KEPT {
            self.said.pop_front();
        }
        self.below = self.below.min(self.most_below());
    }

    /// The lines on the screen, and whether each begins a message.
    pub fn lines(&self) -> impl Iterator<Item = (bool, &str)> {
        let all = self.said.iter().flat_map(|said| {
            let lines = said.lines(self.hex).iter().enumerate();
            lines.map(|(index, line)| (index == 0, line.as_str()))
        });
        let from = self.total().saturating_sub(self.below + self.room);
        all.skip(from).take(self.room)
    }

    /// Whether the screen stands still while more is said.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held || self.below > 0
    }

    /// As many lines fit on the screen.
    pub fn fit(&mut self, room: usize) {
        self.room = room;
        self.below = self.below.min(self.most_below());
    }

    pub(super) fn key(&mut self, code: KeyCode) {
        let page = self.room.saturating_sub(1).max(1);
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.up(1),
            KeyCode::Down | KeyCode::Char('j') => self.down(1),
            KeyCode::PageUp => self.up(page),
            KeyCode::PageDown => self.down(page),
            KeyCode::Home => self.up(usize::MAX),
            KeyCode::End => self.down(usize::MAX),
            KeyCode::Left => self.aside = self.aside.saturating_sub(ASIDE),
            KeyCode::Right => self.right(),
            KeyCode::Char(' ' | 'p') => self.hold(),
            KeyCode::Char('x') => self.turn(),
            _ => {}
        }
    }

    pub(super) fn up(&mut self, lines: usize) {
        self.below = self.below.saturating_add(lines).min(self.most_below());
    }

    /// At the end it follows again.
    pub(super) fn down(&mut self, lines: usize) {
        self.below = self.below.saturating_sub(lines);
        self.held = false;
    }

    fn right(&mut self) {
        let widest = self.lines().map(|(_, line)| line.chars().count()).max();
        if self.aside + ASIDE < widest.unwrap_or_default() {
            self.aside += ASIDE;
        }
    }

    /// Stands still, or follows what is said.
    fn hold(&mut self) {
        self.held = !self.is_held();
        self.below = 0;
    }

    /// The other way to show it. A line of one is none of the other: so it goes to the end.
    fn turn(&mut self) {
        self.hex = !self.hex;
        (self.below, self.aside) = (0, 0);
    }

    fn total(&self) -> usize {
        let lines = self.said.iter().map(|said| said.lines(self.hex).len());
        lines.sum()
    }

    fn most_below(&self) -> usize {
        self.total().saturating_sub(self.room)
    }
}

#[cfg(test)]
mod tests;
