import Glibc
internal import Subprocess

/// Runs other programs to their end, with a bound on time and on output.
enum Tool {
    struct Outcome: Sendable {
        /// 0 to 255; 128 and the signal's number when a signal ended it, as in a shell.
        var status: Int
        /// Standard output and error, together.
        var output: String
        var timedOut = false
    }

    /// Where programs are looked for: nothing of the caller's own path, which a partition's user could not read.
    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Whether a program is on `path`.
    static func isInstalled(_ program: String) -> Bool {
        path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }

    /// Runs a program by name on `path`, in a process group of its own.
    ///
    /// - Parameter timeout: then SIGTERM to the group, and SIGKILL 2 s later.
    /// - Throws: `toolFailed` when it cannot be started at all, or says more than 4 MiB.
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], timeout: Duration = .seconds(60)
    ) async throws(AgentError) -> Outcome {
        var variables: [Environment.Key: String] = [
            "PATH": path, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
        ]
        for (name, value) in environment {
            if let key = Environment.Key(rawValue: name) { variables[key] = value }
        }
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(2)),
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(2)),
        ]
        do {
            return try await withThrowingTaskGroup(of: Outcome?.self) { [variables, options] group in
                group.addTask {
                    let result = try await Subprocess.run(
                        .name(program), arguments: Arguments(arguments), environment: .custom(variables),
                        platformOptions: options, output: .string(limit: 4 << 20), error: .combinedWithOutput)
                    return Outcome(status: result.terminationStatus.code, output: result.standardOutput)
                }
                group.addTask {
                    try await Task.sleep(for: timeout)
                    return nil
                }
                defer { group.cancelAll() }
                if case .some(let outcome?) = try await group.next() { return outcome }
                return Outcome(status: 124, output: "", timedOut: true)
            }
        } catch {
            throw AgentError(
                .toolFailed, "\(program) cannot be run: \(error)", remedy: "install the Debian package that holds it")
        }
    }
}

extension TerminationStatus {
    fileprivate var code: Int {
        switch self {
        case .exited(let code): Int(code)
        case .signaled(let signal): 128 + Int(signal)
        }
    }
}

extension String {
    /// A word of shell text that means exactly this string.
    var shellQuoted: String {
        "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// The last lines of a log, as a reason shows them.
    func end(lines: Int = 10, bytes: Int = 1500) -> String {
        let tail = split(separator: "\n").suffix(lines).joined(separator: "\n")
        return tail.utf8.count <= bytes ? tail : "…" + String(decoding: Array(tail.utf8).suffix(bytes), as: UTF8.self)
    }
}
