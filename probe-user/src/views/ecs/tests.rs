use super::*;
use crate::identity::ecs::samples;

#[test]
fn tasks_then_services_what_is_unknown_is_a_dash() {
    insta::assert_snapshot!(tables(&samples::here()));
}

#[test]
fn a_host_without_tasks_is_one_sentence() {
    assert_eq!(
        tables(&Here::default()),
        "no container of this host is of an ECS task\n"
    );
}

#[test]
fn calls_are_counted_by_operation() {
    insta::assert_snapshot!(stats(&samples::stats()));
}

#[test]
fn what_labels_say_gives_a_terminal_no_orders() {
    let mut here = samples::here();
    for task in here.tasks.values_mut() {
        for (_, view) in &mut task.containers {
            view.facts.family = Some("web\u{1b}[2J\nroot".to_owned());
        }
    }
    let text = tables(&here);
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert_eq!(text.lines().count(), 6, "{text}");
}
