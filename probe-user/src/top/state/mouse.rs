//! What the mouse makes of the screen.

use std::ops::Range;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::State;

/// Lines that a turn of the wheel moves.
const WHEEL: usize = 3;

/// Where on the screen what is, as it was drawn last.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Drawn {
    /// The row of the titles.
    pub titles: u16,
    /// Where the sheet's columns are, each with its place in the sheet.
    pub columns: Vec<(Range<u16>, usize)>,
    /// The rows below the titles.
    pub rows: Range<u16>,
    /// The line in the first of them, counted from 0.
    pub first: usize,
}

impl State {
    /// What the mouse does: a click on a title sorts, and the other way round when it is the one that
    /// sorts; on a line, it marks. The wheel moves the mark.
    pub fn mouse(&mut self, mouse: MouseEvent, drawn: &Drawn) {
        let clicked = mouse.kind == MouseEventKind::Down(MouseButton::Left);
        if self.help {
            self.help = !clicked;
            return;
        }
        if self.typing.is_some() {
            return;
        }
        if let Some(said) = &mut self.conversation {
            match mouse.kind {
                MouseEventKind::ScrollUp => said.up(WHEEL),
                MouseEventKind::ScrollDown => said.down(WHEEL),
                _ => {}
            }
            return;
        }
        match mouse.kind {
            MouseEventKind::ScrollUp => self.mark(|at| at.saturating_sub(WHEEL)),
            MouseEventKind::ScrollDown => self.mark(|at| at + WHEEL),
            _ if clicked && mouse.row == drawn.titles => {
                let mut columns = drawn.columns.iter();
                if let Some((_, index)) = columns.find(|(at, _)| at.contains(&mouse.column)) {
                    self.sort_by(*index);
                }
            }
            _ if clicked && drawn.rows.contains(&mouse.row) => {
                let at = drawn.first + usize::from(mouse.row - drawn.rows.start);
                // Below the last line there is nothing to mark.
                if at < self.sheet.lines.len() {
                    self.mark(|_| at);
                }
            }
            _ => {}
        }
    }

    fn sort_by(&mut self, index: usize) {
        let place = self.place_mut();
        place.reverse = place.sort == index && !place.reverse;
        place.sort = index;
    }
}
