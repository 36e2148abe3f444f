//! `cargo xtask demo`: a small shop of containers, traced, and gone afterwards.

use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use probe_tests::{Engine, Shop, place};

use crate::need::{self, bpf, engine};
use crate::stop::Stop;
use crate::{build, machine, say};

/// Builds the probe, opens the shop, runs the probe over it and removes the shop, also on an error
/// or a signal.
pub(crate) fn demo(args: &[OsString]) -> Result<ExitCode> {
    if !machine::root() {
        bail!(
            "the demo loads kernel programs and starts an engine: run `sudo -E cargo xtask demo`"
        );
    }
    need::meet(&[
        &bpf::COMPILER,
        &bpf::BPF_LINKER,
        &engine::ENGINE,
        &engine::IMAGES,
    ])?;
    build::build()?;
    let stop = Stop::watch()?;
    say::progress("starting an engine of our own");
    let engine = Engine::start()?;
    say::progress("opening the shop: shopper-1, shopper-2 → proxy → web → cache, db");
    let open = Shop::open(&engine, || stop.check())?;
    say::progress(format_args!("the shop is at http://{}/", open.address()));
    let code = trace(&engine, &stop, args);
    say::progress("closing the shop and removing it");
    drop(open);
    drop(engine);
    code
}

/// Runs the probe to its end, in the terminal and with the exit code that a user would have.
fn trace(engine: &Engine, stop: &Stop, args: &[OsString]) -> Result<ExitCode> {
    stop.check()?;
    let probe = place::probe_built();
    let args = command_line(args);
    say::progress(format_args!(
        "probe {}",
        args.join(OsStr::new(" ")).display()
    ));
    let mut command = Command::new(probe);
    let status = stop.run(command.args(&args).env("DOCKER_HOST", engine.host()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// `graph` and the user's options, unless these begin with a command.
fn command_line(args: &[OsString]) -> Vec<OsString> {
    let is_option = |arg: &OsString| arg.as_encoded_bytes().starts_with(b"-");
    let graph = args
        .first()
        .is_none_or(is_option)
        .then(|| OsString::from("graph"));
    graph.into_iter().chain(args.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::command_line;

    fn check(args: &[&str], line: &[&str]) {
        let args: Vec<_> = args.iter().map(Into::into).collect();
        assert_eq!(command_line(&args), line);
    }

    #[test]
    fn options_are_of_graph() {
        check(&[], &["graph"]);
        check(&["--duration", "10s"], &["graph", "--duration", "10s"]);
        check(&["run", "--interval", "1s"], &["run", "--interval", "1s"]);
    }
}
