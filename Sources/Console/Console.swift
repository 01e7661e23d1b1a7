/// What the commands of `palmier` share: how results look, how a master is found, how settings are layered, how a
/// simulation is swept over seeds. No command is here, and no parsing of arguments, so that all of it can be tested.
///
/// ## Vocabulary
/// - **output**: a result in one of five formats, on standard output. Everything else goes to standard error.
/// - **place**: where a master is asked: a Unix socket or addresses.
/// - **profile**: what a person keeps of one fabric in `~/.config/palmier/FABRIC`: a credential and the masters.
/// - **setting**: one of a host's options, with its value and its origin: flag, environment, file or default.
///
/// ## Flow
///
///     arguments ─▶ ConnectionChoice ─▶ Connection (socket, else profile) ─▶ PalmierClient ─▶ document ─▶ Output
///     arguments ─▶ HostSettings (flags over environment over file) ─▶ HostOptions ─▶ the host
///     any error ─▶ Failure ─▶ two lines or a problem document, and one of seven exit codes
public enum Console {
    /// The version that `palmier version` prints.
    public static let version = "0.1.0"
}
