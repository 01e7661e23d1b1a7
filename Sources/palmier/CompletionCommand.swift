import ArgumentParser
import Console

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "A completion script for a shell, with live names.",
        discussion: Help.text(
            examples: .init("palmier completion bash", "for ~/.local/share/bash-completion/completions/palmier"),
            .init("palmier completion zsh", "for a file _palmier in a directory of $fpath"),
            .init("palmier completion fish", "for ~/.config/fish/completions/palmier.fish")))

    @Argument(help: "bash, zsh or fish.", completion: .list(["bash", "zsh", "fish"]))
    var shell: String

    func validate() throws {
        guard CompletionShell(rawValue: shell) != nil else {
            throw ValidationError("expected bash, zsh or fish, found \"\(shell)\"")
        }
    }

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else { return }
        Terminal.writeLine(Palmier.completionScript(for: shell))
    }
}
