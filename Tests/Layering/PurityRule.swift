/// What a pure target may not do, how that is seen in its source, and what to do in its place.
struct PurityRule {
    /// Matched against each line of code, comments and strings taken out.
    let pattern: String
    let rule: String
    let remedy: String

    static let all: [PurityRule] = [
        PurityRule(
            pattern: #"\.now\b|\b(ContinuousClock|SuspendingClock|Date)\b"#,
            rule: "a pure target reads no clock",
            remedy: "use the `now: Instant` that `handle` is given"),
        PurityRule(
            pattern:
                #"\bUUID\b|\.random\s*\(\s*in:|\.randomElement\s*\(|\.shuffled?\s*\(\s*\)|RandomNumberGenerator\s*\("#,
            rule: "a pure target draws no randomness but what it was handed",
            remedy: "draw from the SeededRandom handed to `init`, whose draws are the same with every toolchain"),
        PurityRule(
            pattern: #"\bTask\b|\basync\b|\bawait\b|\bwith\w*TaskGroup\b"#,
            rule: "a pure target starts no task and never waits",
            remedy: "append an effect; the host performs it and hands its outcome back as an input"),
        PurityRule(
            pattern: #"\b(Thread|DispatchQueue|Mutex|NSLock)\b"#,
            rule: "a pure target knows no thread and no lock",
            remedy: "one event loop calls `handle`, one input at a time: plain state in a struct is enough"),
        PurityRule(
            pattern: #"\b(ProcessInfo|CommandLine|getenv)\b"#,
            rule: "a pure target does not look at its process",
            remedy: "take the value as a parameter of `init` or of the Configuration"),
        PurityRule(
            pattern: #"\b(print|debugPrint|dump)\s*\("#,
            rule: "a pure target writes nothing",
            remedy: "append a `report` effect, which the host logs"),
        PurityRule(
            pattern: #"\bclass\s+[A-Za-z_]|\bactor\s+[A-Z_]"#,
            rule: "a pure target has values only: no class, no actor",
            remedy: "make it a struct or an enum, so that a copy of the automaton replays alike"),
    ]
}

/// A broken rule, in the form in which compilers speak: people and editors find the place.
struct Violation: Equatable, CustomStringConvertible {
    let file: String
    let line: Int
    /// The text that matched.
    let found: String
    let rule: String
    let remedy: String

    var description: String { "\(file):\(line): `\(found)`: \(rule); \(remedy)" }
}
