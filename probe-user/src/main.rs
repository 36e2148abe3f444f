//! The `probe` command: parses, runs, and turns errors into an exit code.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use clap::Parser as _;
use probe_user::{
    cli::{self, Cli, Command},
    config::LogFormat,
};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log(&cli.command);
    let one_thread = cli.command.needs_one_thread();
    let outcome = cli::runtime(one_thread).and_then(|runtime| runtime.block_on(cli.command.run()));
    match outcome {
        Ok(code) => code,
        Err(error) if cli::reader_is_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            cli::exit_code(&error)
        }
    }
}

/// What is logged unless `RUST_LOG` says otherwise. Where AWS's SDK looked for credentials in vain
/// is said once, by who needed them.
const LOGGED: &str = "warn,aws_config=error,probe_user=info";

/// To stderr, and nowhere while a screen is drawn over it. `RUST_LOG` says what.
fn log(command: &Command) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        // It would panic where stderr is a file on a full disk.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    match (command.draws(), command.log_format()) {
        (true, _) => builder.with_writer(io::sink).init(),
        (false, LogFormat::Text) => builder.with_writer(io::stderr).init(),
        (false, LogFormat::Json) => builder.with_writer(io::stderr).json().init(),
    }
}

fn complain(error: &anyhow::Error) {
    cli::say(format_args!("probe: {error:#}"));
}
