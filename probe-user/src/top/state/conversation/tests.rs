use super::*;
use crate::topology::{Listener, NodeId};

/// One of which the first messages are `0`, `1`, …, each a line in text and two in hexadecimal.
fn conversation(messages: usize, room: usize) -> Conversation {
    let edge = EdgeKey {
        source: NodeId::new("container:a"),
        target: NodeId::new("container:b"),
        listener: Listener::Tcp(80),
    };
    let mut conversation = Conversation::new(edge, "a → b:80".to_owned());
    conversation.fit(room);
    say(&mut conversation, 0..messages);
    conversation
}

fn say(conversation: &mut Conversation, numbers: std::ops::Range<usize>) {
    for number in numbers {
        conversation.hear(&format!("{number}\n"), &format!("{number}\n\tx\n"));
    }
}

fn press(conversation: &mut Conversation, codes: &[KeyCode]) {
    for code in codes {
        conversation.key(*code);
    }
}

#[track_caller]
fn check(conversation: &Conversation, expected: &[&str]) {
    let shown: Vec<_> = conversation.lines().map(|(_, line)| line).collect();
    assert_eq!(shown, expected);
}

#[test]
fn it_follows_until_one_scrolls_back() {
    let mut said = conversation(5, 3);
    check(&said, &["2", "3", "4"]);
    press(&mut said, &[KeyCode::Up]);
    check(&said, &["1", "2", "3"]);
    say(&mut said, 5..7);
    check(&said, &["1", "2", "3"]);
    assert!(said.is_held());
    press(&mut said, &[KeyCode::Home, KeyCode::Up]);
    check(&said, &["0", "1", "2"]);
    press(&mut said, &[KeyCode::PageDown]);
    check(&said, &["2", "3", "4"]);
    press(&mut said, &[KeyCode::End]);
    say(&mut said, 7..8);
    check(&said, &["5", "6", "7"]);
    assert!(!said.is_held());
}

#[test]
fn it_stands_still_when_it_is_held() {
    let mut said = conversation(3, 2);
    press(&mut said, &[KeyCode::Char(' ')]);
    say(&mut said, 3..9);
    check(&said, &["1", "2"]);
    press(&mut said, &[KeyCode::Char(' ')]);
    check(&said, &["7", "8"]);
    assert!(!said.is_held());
}

#[test]
fn hexadecimal_is_the_same_seen_otherwise() {
    let mut said = conversation(3, 3);
    press(&mut said, &[KeyCode::Char('x')]);
    check(&said, &["    x", "2", "    x"]);
    let begins: Vec<_> = said.lines().map(|(begins, _)| begins).collect();
    assert_eq!(begins, [false, true, false]);
    press(&mut said, &[KeyCode::Char('x')]);
    check(&said, &["0", "1", "2"]);
}

#[test]
fn long_lines_are_looked_along_as_far_as_they_go() {
    let mut said = conversation(0, 3);
    said.hear(&"x".repeat(40), "");
    press(&mut said, &[KeyCode::Right; 5]);
    assert_eq!(said.aside, 32);
    press(&mut said, &[KeyCode::Left; 5]);
    assert_eq!(said.aside, 0);
}

#[test]
fn it_forgets_what_is_old() {
    let mut said = conversation(KEPT + 10, 2);
    assert_eq!(said.count, KEPT as u64 + 10);
    press(&mut said, &[KeyCode::Home]);
    check(&said, &["10", "11"]);
    // What is on the screen goes as well.
    say(&mut said, 0..5);
    check(&said, &["15", "16"]);
}

#[test]
fn no_size_panics() {
    for room in [0, 1, 5000] {
        let mut said = conversation(3, room);
        press(&mut said, &[KeyCode::Up, KeyCode::Right, KeyCode::PageUp]);
        assert_eq!(said.lines().count(), room.min(3));
        said.fit(1);
        assert_eq!(said.lines().count(), 1);
    }
}
