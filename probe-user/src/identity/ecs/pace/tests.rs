use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn pace(rate: Rate) -> (Pace, Instant) {
    let now = Instant::now();
    (Pace::new(rate, Pauses::default(), now), now)
}

fn cluster(name: &str) -> ClusterName {
    ClusterName::parse(name).unwrap()
}

fn error(name: &str, trouble: Trouble) -> SourceError {
    SourceError {
        operation: Operation::DescribeTasks,
        cluster: Some(cluster(name)),
        trouble,
        reason: String::new(),
        source: "no".into(),
    }
}

#[test]
fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
    let (mut pace, start) = pace(Rate {
        per_second: 10,
        burst: 3,
    });
    let waits: Vec<_> = (0..6).map(|_| pace.take(start).as_millis()).collect();
    assert_eq!(waits, [0, 0, 0, 100, 200, 300]);
    // 300 ms later the last of them goes, and one more waits for the next token.
    assert_eq!(pace.take(start + SECOND * 3 / 10).as_millis(), 100);
    assert_eq!(pace.take(start + SECOND * 10).as_millis(), 0);
}

#[test]
fn calls_never_exceed_burst_and_rate() {
    let rate = Rate {
        per_second: 7,
        burst: 4,
    };
    let (mut pace, start) = pace(rate);
    let mut now = start;
    let mut calls = 0;
    while now < start + SECOND * 60 {
        now += pace.take(now);
        calls += 1;
    }
    assert!(calls <= 60 * 7 + 4 + 1, "{calls}");
    assert!(calls >= 60 * 7, "{calls}");
}

#[test]
fn an_unreachable_aws_is_left_alone_longer_and_longer() {
    let (mut pace, start) = pace(Rate::default());
    let (web, prod) = (cluster("web"), cluster("prod"));
    assert!(pace.failed(&error("web", Trouble::Throttled), start));
    assert!(!pace.allows(&web, Operation::DescribeTasks, start));
    assert!(!pace.allows(&prod, Operation::ListServices, start));
    let mut now = start;
    for _ in 0..20 {
        now += SECOND * 300;
        assert!(!pace.is_paused(now));
        assert!(!pace.failed(&error("web", Trouble::Unreachable), now));
    }
    assert!(pace.is_paused(now + SECOND * 149));
    assert!(pace.succeeded(&web, Operation::DescribeTasks));
    assert!(!pace.succeeded(&web, Operation::DescribeTasks));
    assert!(pace.failed(&error("web", Trouble::Unreachable), now));
    assert!(!pace.is_paused(now + SECOND));
}

#[test]
fn a_refusal_concerns_its_question_alone() {
    let (mut pace, start) = pace(Rate::default());
    assert!(pace.failed(&error("web", Trouble::Refused), start));
    assert!(!pace.failed(&error("web", Trouble::Refused), start));
    assert!(!pace.allows(&cluster("web"), Operation::DescribeTasks, start));
    assert!(pace.allows(&cluster("web"), Operation::DescribeServices, start));
    assert!(pace.allows(&cluster("prod"), Operation::DescribeTasks, start));
    assert!(pace.allows(
        &cluster("web"),
        Operation::DescribeTasks,
        start + SECOND * 2
    ));
    for n in 0..10_000 {
        pace.failed(&error(&format!("c{n}"), Trouble::Refused), start);
    }
    assert_eq!(pace.refused.len(), MAX_REFUSED);
}
