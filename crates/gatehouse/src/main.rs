//! The `gatehouse` program; see the library of the same name.

fn main() -> std::process::ExitCode {
    gatehouse::run(std::env::args_os())
}
