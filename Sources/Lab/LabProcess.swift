import Foundation
import Subprocess
import Synchronization

/// The signals that tests send.
public enum LabSignal: Hashable, Sendable, CaseIterable {
    case kill, terminate, interrupt, hangUp, pause, proceed

    var number: Int32 {
        switch self {
        case .kill: SIGKILL
        case .terminate: SIGTERM
        case .interrupt: SIGINT
        case .hangUp: SIGHUP
        case .pause: SIGSTOP
        case .proceed: SIGCONT
        }
    }
}

/// A process that was started in a host of a LAN and goes on by itself. `Lan.destroy` ends it at the latest.
public final class LabProcess: Sendable {
    /// The program's own process id: everything that puts it into its namespace hands over by `exec`.
    public let pid: Int32
    public let command: [String]
    /// Where its standard output and standard error go.
    public let log: String

    private let ended = Mutex<LabExit?>(nil)

    private init(pid: Int32, command: [String], log: String) {
        self.pid = pid
        self.command = command
        self.log = log
    }

    /// Whether it has not ended; a zombie has.
    public var isRunning: Bool { exit == nil }

    /// How it ended; nil while it runs.
    public var exit: LabExit? { ended.withLock { $0 } }

    /// Sends a signal; does nothing when the process has ended.
    public func kill(_ signal: LabSignal = .kill) {
        // Between the kernel's end of the process and our note of it the number is free, but the kernel gives a number
        // again only after all others: the signal goes nowhere then.
        ended.withLock { exit in
            if exit == nil { _ = Foundation.kill(pid, signal.number) }
        }
    }

    /// Waits for its end.
    ///
    /// - Throws: `LabError.timedOut`, with the end of its log.
    @discardableResult
    public func wait(within limit: Duration) async throws -> LabExit {
        do {
            return try await Polling.value("it has ended", within: limit, every: .milliseconds(20)) { self.exit }
        } catch let error as LabError where error.code == .timedOut {
            throw LabError(
                .timedOut,
                "process \(pid), `\(command.joined(separator: " "))`, runs on after \(limit); \(log) ends: "
                    + logText().suffix(1_000))
        }
    }

    /// What it has said so far.
    public func logText() -> String {
        guard let data = FileManager.default.contents(atPath: log) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Starts a program in no host of a LAN, but beside this process. Whoever starts it ends it.
    ///
    /// - Parameter log: takes what the program says.
    public static func start(_ command: [String], log: String) async throws -> LabProcess {
        try await start(command, shown: command, environment: [:], log: log)
    }

    /// Starts a program.
    ///
    /// - Parameter command: the whole command, with what puts it into its namespace.
    /// - Parameter shown: the command as its user gave it.
    static func start(
        _ command: [String], shown: [String], environment: [String: String], log: String
    ) async throws -> LabProcess {
        let (pids, continuation) = AsyncThrowingStream.makeStream(of: LabProcess.self)
        // Ends when the process does: `Lan.destroy` kills every process of the LAN, and waits for each.
        Task {
            let started = Mutex<LabProcess?>(nil)
            do {
                var options = PlatformOptions()
                options.createSession = true
                let result = try await Subprocess.run(
                    .name("sh"), arguments: Arguments(["-c", #"exec "$@" >>"$0" 2>&1"#, log] + command),
                    environment: .inherit.updating(environment.asUpdate), platformOptions: options,
                    input: .none, output: .discarded, error: .discarded
                ) { execution in
                    let process = LabProcess(pid: execution.processIdentifier.value, command: shown, log: log)
                    started.withLock { $0 = process }
                    continuation.yield(process)
                }
                started.withLock { $0 }?.ended.withLock { $0 = LabExit(result.terminationStatus) }
                continuation.finish()
            } catch {
                // The process is gone or never was: whoever waits must see an end.
                started.withLock { $0 }?.ended.withLock { $0 = .signaled(SIGKILL) }
                continuation.finish(throwing: error)
            }
        }
        for try await process in pids { return process }
        throw LabError(.notPossibleHere, "`\(shown.joined(separator: " "))` could not be started")
    }
}
