/// The parts that every command's help has in common.
enum Help {
    struct Example {
        /// As it is typed, beginning with `palmier`.
        var command: String
        var meaning: String

        init(_ command: String, _ meaning: String) {
            self.command = command
            self.meaning = meaning
        }
    }

    /// Printed with each command, and tested.
    static let exitCodes = """
        EXIT CODES:
          0 done; 1 failed; 2 accepted, not yet placed or ready; 3 not found;
          4 refused by policy, budget or rights; 5 no master reachable; 64 usage
        """

    static let root = """
        A master is looked for in this order: --master or PALMIER_MASTER; the local master's socket in the state \
        directory (--state or PALMIER_STATE, else /var/lib/palmier for root and ~/.local/state/palmier for others); the \
        masters kept in ~/.config/palmier/FABRIC since an earlier command. `overlay` and `object` are answered by every \
        peer: where no master runs, by this machine's agent.

        Reading commands take -o table|wide|json|yaml|name. Results go to standard output, everything else to standard \
        error. NO_COLOR is obeyed.

        EXAMPLES:
          palmier fabric create lab && palmier master
              makes a fabric and its first master on this machine
          palmier request cache --release examples/memcached.yaml --wait
              has a cache run somewhere, and prints where it is

        \(exitCodes)
        """

    /// - Parameter examples: two or more; each is a command that parses.
    static func text(_ discussion: String = "", examples: Example...) -> String {
        let shown = examples.map { "  \($0.command)\n      \($0.meaning)" }.joined(separator: "\n")
        let parts = [discussion, "EXAMPLES:\n\(shown)", exitCodes]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }
}
