use std::time::{Duration, Instant};

use super::{
    Of, Sheet, Subject, Traffic,
    sample::look,
    state::{Asked, State},
};
use crate::{
    identity::ContainerId,
    topology::{Graph, Listener, sample::shop},
    views::sheet,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

fn sorted(subject: Subject) -> Sheet {
    let shop = shop();
    let mut sheet = subject.sheet(&look(&shop));
    let column = Sheet::column(sheet.columns, subject.busiest()).unwrap();
    sheet.sort(column, false);
    sheet
}

#[test]
fn every_subject_as_a_table() {
    let tables = Subject::ALL.map(|subject| sheet::table(&sorted(subject)));
    insta::assert_snapshot!(tables.join("\n"));
}

#[test]
fn every_subject_as_json() {
    let lines = Subject::ALL.map(|subject| {
        let text = sheet::json(
            &sorted(subject),
            "2026-01-02T03:04:05.000Z",
            subject.as_str(),
        );
        text.unwrap()
    });
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn containers_as_csv() {
    let sheet = sorted(Subject::Containers);
    let header = sheet::csv_header(sheet.columns).unwrap();
    let lines = sheet::csv(&sheet, "2026-01-02T03:04:05.000Z").unwrap();
    insta::assert_snapshot!(header + &lines);
}

#[test]
fn columns_and_cells_are_as_many() {
    for subject in Subject::ALL {
        let sheet = sorted(subject);
        assert!(!sheet.lines.is_empty(), "{subject:?}");
        for line in &sheet.lines {
            assert_eq!(line.cells.len(), subject.columns().len(), "{subject:?}");
        }
        let mut keys: Vec<_> = subject.columns().iter().map(|column| column.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), subject.columns().len(), "keys are told apart");
        assert!(Sheet::column(subject.columns(), subject.busiest()).is_some());
    }
}

#[test]
fn what_is_not_known_is_last_either_way_round_first() {
    let mut sheet = sorted(Subject::Containers);
    let names = |sheet: &Sheet| -> Vec<String> {
        let cells = sheet.lines.iter().map(|line| sheet::cell(&line.cells[0]));
        cells.collect()
    };
    assert_eq!(names(&sheet), ["cache", "web", "proxy", "db"]);
    let cpu = Sheet::column(sheet.columns, "cpu").unwrap();
    sheet.sort(cpu, true);
    assert_eq!(names(&sheet), ["db", "proxy", "web", "cache"]);
    sheet.sort(0, false);
    assert_eq!(names(&sheet), ["cache", "db", "proxy", "web"]);
}

#[test]
fn traffic_is_what_came_since() {
    let (shop, start) = (shop(), Instant::now());
    let mut traffic = Traffic::since(start);
    let first = traffic.look(&shop.graph, start + Duration::from_secs(2));
    for ((_, _, edge), now) in shop.graph.edges().zip(&first) {
        assert_eq!(now.recent, edge.counts);
        assert_eq!(now.rate(10), Some(5.0));
    }
    let second = traffic.look(&shop.graph, start + Duration::from_secs(2));
    assert!(
        second
            .iter()
            .all(|now| now.recent.is_zero() && now.rate(1).is_none())
    );
    assert_eq!(traffic.look(&Graph::default(), start), []);
}

#[test]
fn a_filter_keeps_lines_or_what_they_are_made_of() {
    let check = |subject: Subject, filter: &str, lines: usize| {
        let shop = shop();
        let mut look = look(&shop);
        look.keep(subject, &filter.parse().unwrap(), "here");
        assert_eq!(subject.sheet(&look).lines.len(), lines, "{filter}");
    };
    check(Subject::Containers, "container.name in (web, db)", 2);
    check(Subject::Services, "container.name = web", 1);
    check(
        Subject::Processes,
        "container.name = web and proc.pid > 100",
        1,
    );
    check(
        Subject::Connections,
        "container.name = web and container.name = cache",
        2,
    );
    check(
        Subject::Files,
        "proc.name = serve and fd.name endswith data",
        3,
    );
    check(
        Subject::Files,
        "container.name = db and evt.bytes > 8000",
        1,
    );
    check(Subject::Ports, "fd.sport = 8080", 1);
    check(Subject::Ports, "container.name = none", 0);
}

fn press(state: &mut State, codes: &[KeyCode]) -> Asked {
    let mut asked = Asked::Draw;
    let shop = shop();
    let look = look(&shop);
    for code in codes {
        asked = state.key(KeyEvent::new(*code, KeyModifiers::NONE));
        state.show(&look);
    }
    asked
}

fn typed(text: &str) -> Vec<KeyCode> {
    let chars = text.chars().map(KeyCode::Char);
    [KeyCode::Char('/')]
        .into_iter()
        .chain(chars)
        .chain([KeyCode::Enter])
        .collect()
}

fn state() -> State {
    let mut state = State::new("here", Subject::Containers, (3, false), None);
    let shop = shop();
    let look = look(&shop);
    state.remember(&look);
    state.show(&look);
    state
}

#[test]
fn one_drills_down_and_comes_back() {
    let mut state = state();
    press(&mut state, &[KeyCode::Down, KeyCode::Enter]);
    assert_eq!(state.way(), "containers › web › processes");
    assert_eq!(state.sheet.lines.len(), 1);
    press(&mut state, &[KeyCode::Enter]);
    assert_eq!(state.way(), "containers › web › processes › connections");
    assert_eq!(state.sheet.lines.len(), 6, "those of web alone");
    assert_eq!(state.listening(), None);
    press(&mut state, &[KeyCode::Enter]);
    let way = "containers › web › processes › connections › proxy → web:8080";
    assert_eq!(state.way(), way);
    let edge = state.listening().unwrap();
    assert_eq!(edge.listener, Listener::Tcp(8080));
    assert_eq!(edge.target.own(), "b".repeat(64));
    press(&mut state, &[KeyCode::Tab, KeyCode::Enter]);
    assert_eq!(state.way(), way, "there is nothing further in");
    press(&mut state, &[KeyCode::Esc]);
    assert_eq!(state.listening(), None);
    assert_eq!(state.sheet.lines.len(), 6);
    press(&mut state, &[KeyCode::Esc, KeyCode::Esc, KeyCode::Esc]);
    assert_eq!(state.way(), "containers");
    let web = Of::Container(ContainerId::new(&"b".repeat(64)));
    assert_eq!(state.sheet.lines[state.selected()].of, web);
}

#[test]
fn the_mark_stays_on_its_line() {
    let mut state = state();
    let marked = |state: &State| state.sheet.lines[state.selected()].of.clone();
    press(&mut state, &[KeyCode::Down]);
    let web = marked(&state);
    press(&mut state, &[KeyCode::Char('r')]);
    assert_eq!(marked(&state), web, "though the order has changed");
    press(
        &mut state,
        &[KeyCode::End, KeyCode::Down, KeyCode::PageDown],
    );
    assert_eq!(state.selected(), 3);
    press(&mut state, &[KeyCode::Home, KeyCode::Up]);
    assert_eq!(state.selected(), 0);
}

#[test]
fn a_filter_is_typed_mended_and_cleared() {
    let mut state = state();
    press(&mut state, &typed("container.nam = web"));
    assert!(
        state
            .problem
            .as_ref()
            .unwrap()
            .contains("did you mean container.name?")
    );
    assert_eq!(state.typing.as_deref(), Some("container.nam = web"));
    press(&mut state, &[KeyCode::Esc]);
    assert_eq!((&state.typing, &state.problem), (&None, &None));
    press(&mut state, &typed("fd.port = 80"));
    let problem = state.problem.clone().unwrap();
    assert_eq!(
        problem,
        "the filter can never match: a container has no fd.port"
    );
    press(&mut state, &[KeyCode::Esc]);
    press(&mut state, &typed("container.name=web"));
    assert_eq!(state.filtering().as_deref(), Some("container.name = web"));
    assert_eq!(state.sheet.lines.len(), 1);
    press(&mut state, &[KeyCode::Tab]);
    assert_eq!(state.filtering(), None, "another list has its own");
    press(&mut state, &[KeyCode::Char('1'), KeyCode::Char('/')]);
    press(&mut state, &[KeyCode::Backspace; 30]);
    press(&mut state, &[KeyCode::Enter]);
    assert_eq!((state.filtering(), state.sheet.lines.len()), (None, 4));
}

#[test]
fn keys_sort_step_and_quit() {
    let mut state = state();
    press(&mut state, &[KeyCode::Right]);
    assert_eq!(
        state.sorting(),
        (5, false),
        "what no table shows is passed over"
    );
    press(&mut state, &[KeyCode::Left, KeyCode::Left]);
    assert_eq!(state.sorting(), (0, false));
    press(&mut state, &[KeyCode::Left]);
    assert_eq!(
        Subject::Containers.columns()[state.sorting().0].key,
        "oom_kills"
    );
    for subject in [1, 2, 3, 4, 5, 0].map(|index: usize| Subject::ALL[index]) {
        press(&mut state, &[KeyCode::Tab]);
        assert_eq!(state.subject(), subject);
    }
    press(&mut state, &[KeyCode::Char(' ')]);
    assert!(state.paused);
    press(&mut state, &[KeyCode::Char('?')]);
    assert!(state.help);
    assert_eq!(
        press(&mut state, &[KeyCode::Char('q')]),
        Asked::Draw,
        "closes the help"
    );
    assert_eq!(press(&mut state, &[KeyCode::Char('q')]), Asked::Quit);
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    state.typing = Some("x".to_owned());
    assert_eq!(state.key(control), Asked::Quit);
}

#[test]
fn sparklines_are_of_what_is_marked() {
    let mut state = state();
    let (name, cpu, net) = state.spent();
    assert_eq!((name.as_str(), cpu.as_slice()), ("cache", &[10_005][..]));
    assert!(net[0] > 0);
    press(&mut state, &[KeyCode::Char('3')]);
    assert_eq!(state.spent().0, "all containers");
}
