//! What keys make of the screen, and what is typed for a filter.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::State;
use crate::{
    filter::Filter,
    top::{Show, Subject},
};

/// Lines that Page Up and Page Down move.
const PAGE: usize = 10;

/// What a key asks of who holds the state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// Nothing but to draw again.
    Draw,
    /// To end.
    Quit,
}

impl State {
    /// What a key does.
    pub fn key(&mut self, key: KeyEvent) -> Asked {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Asked::Quit,
                _ => Asked::Draw,
            };
        }
        if self.typing.is_some() {
            self.type_in(key.code);
            return Asked::Draw;
        }
        if self.help {
            self.help = false;
            return Asked::Draw;
        }
        self.problem = None;
        match key.code {
            KeyCode::Char('q') => return Asked::Quit,
            KeyCode::Char('?' | 'h') => self.help = true,
            KeyCode::Esc | KeyCode::Backspace => self.back(),
            code => match &mut self.conversation {
                Some(said) => said.key(code),
                None => self.key_in_list(code),
            },
        }
        Asked::Draw
    }

    fn key_in_list(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char(' ' | 'p') => self.paused = !self.paused,
            KeyCode::Char('/') => self.typing = Some(self.filtering().unwrap_or_default()),
            KeyCode::Char('r') => self.place_mut().reverse ^= true,
            KeyCode::Left | KeyCode::Char('<') => self.sort_by_next(-1),
            KeyCode::Right | KeyCode::Char('>') => self.sort_by_next(1),
            KeyCode::Up | KeyCode::Char('k') => self.mark(|at| at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.mark(|at| at + 1),
            KeyCode::PageUp => self.mark(|at| at.saturating_sub(PAGE)),
            KeyCode::PageDown => self.mark(|at| at + PAGE),
            KeyCode::Home => self.mark(|_| 0),
            KeyCode::End => self.mark(|_| usize::MAX),
            KeyCode::Enter => self.enter(),
            KeyCode::Tab => self.step(),
            KeyCode::Char(digit @ '1'..='6') => {
                let number = digit as usize - '1' as usize;
                self.go(Subject::ALL[number]);
            }
            _ => {}
        }
    }

    fn type_in(&mut self, code: KeyCode) {
        let Some(text) = &mut self.typing else {
            return;
        };
        match code {
            KeyCode::Char(char) => text.push(char),
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Esc => {
                self.typing = None;
                self.problem = None;
            }
            KeyCode::Enter => self.apply(),
            _ => {}
        }
    }

    /// Takes what was typed for the filter; one that is none stays to be mended.
    fn apply(&mut self) {
        let subject = self.subject();
        let text = self.typing.take().unwrap_or_default();
        self.problem = None;
        if text.trim().is_empty() {
            self.filters.remove(&subject);
            return;
        }
        let parsed = text.parse::<Filter>().map_err(|error| {
            let message = error.to_string();
            message.lines().next().unwrap_or_default().to_owned()
        });
        let parsed = parsed.and_then(|filter| match filter.never(subject.filtered()) {
            Some(why) => Err(format!("the filter can never match: {why}")),
            None => Ok(filter),
        });
        match parsed {
            Ok(filter) => {
                self.filters.insert(subject, filter);
            }
            Err(problem) => {
                self.problem = Some(problem);
                self.typing = Some(text);
            }
        }
    }

    pub(super) fn mark(&mut self, to: impl Fn(usize) -> usize) {
        let last = self.sheet.lines.len().saturating_sub(1);
        let at = to(self.selected()).min(last);
        self.selected = self.sheet.lines.get(at).map(|line| line.of.clone());
    }

    /// To the next column that tables may show, around the end.
    fn sort_by_next(&mut self, step: isize) {
        let columns = self.subject().columns();
        let place = self.place_mut();
        let count = columns.len();
        let mut at = place.sort;
        loop {
            at = at.wrapping_add_signed(step).wrapping_add(count) % count;
            if columns[at].show != Show::Never || at == place.sort {
                break;
            }
        }
        place.sort = at;
        place.reverse = false;
    }
}
