import ArgumentParser
import Automata
import Console

/// For acts that cannot be undone.
struct DangerOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    /// Goes on only when the name was typed.
    func confirm(_ name: String, what: String) throws(Refusal) {
        try Self.confirm(name, what: what, yes: yes)
    }

    /// The same for commands with flags of their own.
    static func confirm(_ name: String, what: String, yes: Bool) throws(Refusal) {
        guard !yes else { return }
        guard Terminal.inputIsTerminal else {
            throw Refusal(
                .invalid, "nobody can be asked: standard input is no terminal",
                remedy: "add --yes if \"\(name)\" is really meant, or look with --dry-run")
        }
        Terminal.note(Table.printable(what))
        let typed = Terminal.ask("Type the name (\(name)) to go on: ")
        guard typed == name else {
            throw Refusal(.failed, "\"\(typed ?? "")\" is not \"\(name)\": nothing was done")
        }
    }
}
