use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::{Terminal, backend::TestBackend};

use super::*;
use crate::{
    top::{Cell, Subject, sample::look, state::Hearing},
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
        terminal.draw(|frame| drop(draw(frame, &state))).unwrap();
    }
    terminal.draw(|frame| drop(draw(frame, &state))).unwrap();
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

/// What is said over a connection, after these keys.
fn listening(hearing: Hearing, messages: usize, keys: &[KeyCode]) -> String {
    let shop = shop();
    let look = look(&shop);
    let mut state = State::new("ip-10-0-0-7", Subject::Connections, (0, false), None);
    state.show(&look);
    state.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
    let mut terminal = Terminal::new(TestBackend::new(USUAL.0, USUAL.1)).unwrap();
    let said = state.conversation.as_mut().unwrap();
    said.hearing = hearing;
    said.fit(room(terminal.size().unwrap()));
    for number in 0..messages {
        let first = format!("------ 2026-01-02T03:04:05Z cache write 16 B to web:8080 ({number})");
        said.hear(
            &format!("{first}\nGET / HTTP/1.1\n\n"),
            &format!("{first}\n00000000  47 45 54 20 |GET |\n"),
        );
    }
    for key in keys {
        state.key(KeyEvent::new(*key, KeyModifiers::NONE));
    }
    terminal.draw(|frame| drop(draw(frame, &state))).unwrap();
    terminal.backend().to_string()
}

#[test]
fn what_is_said_over_a_connection() {
    insta::assert_snapshot!(listening(Hearing::Live, 10, &[KeyCode::Up]));
}

#[test]
fn what_is_said_in_hexadecimal() {
    insta::assert_snapshot!(listening(Hearing::Live, 2, &[KeyCode::Char('x')]));
}

#[test]
fn that_nothing_can_be_heard_yet_or_at_all() {
    let refused = Hearing::Refused("the kernel refused program traffic_send: ".repeat(3));
    let screens = [Hearing::Attaching, Hearing::Live, refused].map(|hearing| {
        let screen = listening(hearing, 0, &[]);
        screen.lines().take(5).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn ports_services_and_files() {
    let screens = ['4', '5', '6'].map(|key| {
        let screen = screen(USUAL, &[KeyCode::Char(key)]);
        let lines = screen.lines().map(|line| line.trim_end_matches(['"', ' ']));
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    });
    insta::assert_snapshot!(screens.join("\n\n"));
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

/// A screen that is clicked: the words where, and how often before.
struct Clicked {
    state: State,
    terminal: Terminal<TestBackend>,
}

impl Clicked {
    fn new((width, height): (u16, u16)) -> Self {
        let state = State::new("here", Subject::Containers, (3, false), None);
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut this = Self { state, terminal };
        this.draw();
        this
    }

    fn draw(&mut self) -> Drawn {
        let shop = shop();
        self.state.show(&look(&shop));
        let mut drawn = Drawn::default();
        let state = &self.state;
        let frame = |frame: &mut Frame<'_>| drawn = draw(frame, state);
        self.terminal.draw(frame).unwrap();
        drawn
    }

    fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        let drawn = self.draw();
        let event = MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        };
        self.state.mouse(event, &drawn);
        self.draw();
    }

    /// Clicks on the last letter of the first `words` on the screen.
    fn click(&mut self, words: &str) {
        let buffer = self.terminal.backend().buffer().clone();
        let width = usize::from(buffer.area.width);
        let rows: Vec<String> = buffer
            .content
            .chunks(width)
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect();
        let (row, text) = rows
            .iter()
            .enumerate()
            .find(|(_, text)| text.contains(words))
            .unwrap_or_else(|| panic!("no {words} in {rows:#?}"));
        let before = &text[..text.find(words).unwrap() + words.len()];
        let column = u16::try_from(before.chars().count() - 1).unwrap();
        let place = (column, u16::try_from(row).unwrap());
        self.mouse(MouseEventKind::Down(MouseButton::Left), place);
    }

    fn sorts(&self) -> (&str, bool) {
        let (index, reverse) = self.state.sorting();
        (self.state.sheet.columns[index].title, reverse)
    }
}

#[test]
fn a_click_sorts_or_marks_and_the_wheel_moves_the_mark() {
    for size in [USUAL, HUGE, (60, 9)] {
        let mut screen = Clicked::new(size);
        screen.click("MEMORY");
        assert_eq!(screen.sorts(), ("MEMORY", false), "{size:?}");
        screen.click("MEMORY");
        assert_eq!(screen.sorts(), ("MEMORY", true), "{size:?}");
        screen.click("CONTAINER");
        assert_eq!(screen.sorts(), ("CONTAINER", false), "{size:?}");
        let lines = screen.state.sheet.lines.len();
        assert!(lines > 2, "{lines}");
        let second = screen.state.sheet.lines[1].of.clone();
        screen.click(&{
            let Cell::Text(Some(name)) = &screen.state.sheet.lines[1].cells[0] else {
                panic!("a container has a name");
            };
            format!("{name} ")
        });
        let marked = screen.state.selected();
        assert_eq!(screen.state.sheet.lines[marked].of, second, "{size:?}");
        screen.mouse(MouseEventKind::ScrollDown, (0, 0));
        assert_eq!(screen.state.selected(), lines - 1);
        screen.mouse(MouseEventKind::ScrollUp, (0, 0));
        assert_eq!(screen.state.selected(), (lines - 1).saturating_sub(3));
        // Below the last line, on the last row, and where other buttons click: nothing.
        let before = (screen.state.selected(), screen.state.sorting());
        for kind in [
            MouseEventKind::Down(MouseButton::Left),
            MouseEventKind::Down(MouseButton::Right),
        ] {
            screen.mouse(kind, (0, size.1 - 1));
            assert_eq!((screen.state.selected(), screen.state.sorting()), before);
        }
    }
}

#[test]
fn a_click_closes_the_help_and_leaves_what_is_typed() {
    let mut screen = Clicked::new(USUAL);
    let press = |screen: &mut Clicked, key| {
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        screen.state.key(key);
        screen.draw();
    };
    let sorting = screen.state.sorting();
    press(&mut screen, '?');
    screen.mouse(MouseEventKind::ScrollDown, (0, 0));
    assert!(screen.state.help);
    screen.click("CONTAINER");
    assert!(!screen.state.help);
    press(&mut screen, '/');
    press(&mut screen, 'x');
    screen.click("CONTAINER");
    assert_eq!(screen.state.typing.as_deref(), Some("x"));
    assert_eq!(screen.state.sorting(), sorting);
}

#[test]
fn no_size_panics() {
    let keys = ['?', '?', '2', '3', '4', '5', ' ', '/', 'x'].map(KeyCode::Char);
    for size in [(1, 1), (1, 30), (30, 1), (7, 13), TINY, HUGE] {
        screen(size, &keys);
        screen(size, &[KeyCode::Enter, KeyCode::Enter]);
        screen(
            size,
            &['3', '\n', 'x'].map(|key| match key {
                '\n' => KeyCode::Enter,
                key => KeyCode::Char(key),
            }),
        );
    }
}
