use super::*;

#[test]
fn this_process_is_listed_as_it_is() {
    let listing = list().unwrap();
    let own = std::process::id();
    let process = listing
        .processes
        .iter()
        .find(|process| process.pid == Pid(own));
    let process = process.unwrap();
    assert_eq!(process.parent.0, std::os::unix::process::parent_id());
    assert_eq!(process.executable, std::env::current_exe().ok());
    assert!(
        process
            .command_line
            .starts_with(&std::env::args().next().unwrap())
    );
    let age = Timestamp::now().duration_since(process.started.unwrap());
    assert!((-1..600).contains(&age.as_secs()), "{age:?}");
    assert_eq!(listing.refused, 0);
}

#[test]
fn v2_tells_the_cgroup_unless_v1_alone_knows_the_container() {
    const WEB: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";
    let check = |lines: &[(u32, &str)], expected: Option<&str>| {
        let group = |(hierarchy, path): &(u32, &str)| ProcessCGroup {
            hierarchy: *hierarchy,
            controllers: Vec::new(),
            pathname: (*path).to_owned(),
        };
        let found = cgroup_path(lines.iter().map(group).collect());
        assert_eq!(found.as_deref(), expected, "{lines:?}");
    };
    let (docker, ecs) = (format!("/docker/{WEB}"), format!("/ecs/1f/{WEB}"));
    let service = "/system.slice/docker.service";
    check(&[(0, &docker)], Some(&docker));
    check(
        &[(4, "/user.slice"), (0, "/init.scope")],
        Some("/init.scope"),
    );
    check(&[(4, &ecs), (0, &docker)], Some(&docker));
    check(&[(9, "/"), (4, &ecs), (0, service)], Some(&ecs));
    check(&[(9, "/"), (4, &ecs)], Some(&ecs));
    check(&[(9, "/user.slice")], None);
}

#[test]
fn a_process_has_a_place_while_it_lives() {
    let (path, command) = place_of(Pid(std::process::id())).unwrap();
    let comm = fs::read_to_string("/proc/self/comm").unwrap();
    assert!(path.starts_with('/'), "{path}");
    assert_eq!(command, comm.trim_end());
    assert_eq!(place_of(Pid(u32::MAX)), None);
    let thread = std::thread::spawn(|| nix::unistd::gettid().as_raw());
    let own = of_thread(pid(nix::unistd::gettid().as_raw())).unwrap();
    assert_eq!(own.pid, Pid(std::process::id()));
    drop(thread);
}

#[test]
fn a_process_that_is_another_by_now_has_no_command_line() {
    let own = Pid(std::process::id());
    let comm = fs::read_to_string("/proc/self/comm").unwrap();
    let line = command_line_of(own, comm.trim_end()).unwrap();
    assert!(
        line.starts_with(&std::env::args().next().unwrap()),
        "{line}"
    );
    assert_eq!(command_line_of(own, "another"), None);
    assert_eq!(command_line_of(Pid(u32::MAX), "none"), None);
}

#[test]
fn command_lines_are_cut_between_characters() {
    let long = "é".repeat(COMMAND_LINE_LEN);
    let line = command_line(&["x".to_owned(), long]);
    assert!(line.len() <= COMMAND_LINE_LEN && line.len() > COMMAND_LINE_LEN - 2);
    assert!(line.starts_with("x é"));
}
