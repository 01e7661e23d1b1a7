/// Words of a command line, for commands that people copy.
public enum ShellWord {
    /// As a shell takes it: in quotes where it needs them.
    public static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "=._-%/:@,+".contains($0)) }
        return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
}
