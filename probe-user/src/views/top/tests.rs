use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};

use super::*;
use crate::{
    top::{Subject, sample::look},
    topology::sample::shop,
};

/// The screen after these keys.
fn screen((width, height): (u16, u16), keys: &[KeyCode]) -> String {
    let shop = shop();
    let look = look(&shop);
    let mut state = State::new("ip-10-0-0-7", Subject::Containers, (3, false), None);
    for _ in 0..3 {
        state.remember(&look);
    }
    state.show(&look);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    for key in keys {
        state.key(KeyEvent::new(*key, KeyModifiers::NONE));
        state.show(&look);
        terminal.draw(|frame| draw(frame, &state)).unwrap();
    }
    terminal.draw(|frame| draw(frame, &state)).unwrap();
    terminal.backend().to_string()
}

const USUAL: (u16, u16) = (80, 24);
const TINY: (u16, u16) = (20, 5);
const HUGE: (u16, u16) = (300, 100);

#[test]
fn containers_at_80x24() {
    insta::assert_snapshot!(screen(USUAL, &[]));
}

#[test]
fn containers_at_20x5() {
    insta::assert_snapshot!(screen(TINY, &[]));
}

#[test]
fn containers_at_300x100() {
    // What is below is empty.
    let screen = screen(HUGE, &[]);
    let lines = screen.lines().take(10);
    let shown: Vec<_> = lines
        .map(|line| line.trim_end_matches(['"', ' ']))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn processes_of_a_container() {
    insta::assert_snapshot!(screen(USUAL, &[KeyCode::Down, KeyCode::Enter]));
}

#[test]
fn connections_of_a_container() {
    let keys = [
        KeyCode::Down,
        KeyCode::Enter,
        KeyCode::Enter,
        KeyCode::Char(' '),
    ];
    insta::assert_snapshot!(screen(USUAL, &keys));
}

#[test]
fn help_at_80x24() {
    insta::assert_snapshot!(screen(USUAL, &[KeyCode::Char('?')]));
}

#[test]
fn a_filter_that_is_none() {
    let typed = "/container.nam=web".chars().map(KeyCode::Char);
    let keys: Vec<_> = typed.chain([KeyCode::Enter]).collect();
    insta::assert_snapshot!(screen(USUAL, &keys));
}

#[test]
fn no_size_panics() {
    let keys = ['?', '?', '2', '3', '4', '5', ' ', '/', 'x'].map(KeyCode::Char);
    for size in [(1, 1), (1, 30), (30, 1), (7, 13), TINY, HUGE] {
        screen(size, &keys);
        screen(size, &[KeyCode::Enter, KeyCode::Enter]);
    }
}
