import AsyncHTTPClient
internal import Foundation
import Glibc
import Logging
import NIOCore
import NIOHTTP1

/// The one supervisord of an agent: starts it where it does not run, and talks to it over its Unix socket.
///
/// supervisord is no child of the agent: it makes itself a daemon, so that instances outlive the agent's death, restart and
/// upgrade. What shall run is one file a program in `conf.d`; a program is there exactly as long as its instance is
/// wanted running, so that supervisord alone brings everything back after a boot.
///
/// Its own death ends no instance either: the launch script of a new one finds the old process and waits for that
/// one (see `LaunchScript`).
actor Supervisor {
    /// supervisord's words for a process (supervisord.org, "Subprocesses").
    enum ProgramState: Int, Sendable {
        case stopped = 0
        case starting = 10
        case running = 20
        /// Ended too soon after its start, and will be started again.
        case backoff = 30
        case stopping = 40
        /// Ended by itself, and stays so.
        case exited = 100
        /// Ended too soon too often.
        case fatal = 200
        case unknown = 1000
    }

    struct ProgramInfo: Sendable {
        var state: ProgramState
        /// 0 while it does not run.
        var pid: pid_t
        var exitStatus: Int
        var spawnError: String
    }

    private let directory: String
    private let socket: String
    private let log: Logger
    private var starting: Task<Void, any Error>?
    private var identity: ProcessTable.Identity?

    init(directory: String, log: Logger) throws(AgentError) {
        self.directory = directory
        self.socket = "\(directory)/supervisor.sock"
        self.log = log
        // sun_path holds 108 bytes (unix(7)); supervisord binds a name with its process number appended first.
        guard socket.utf8.count + 12 < 108 else {
            throw AgentError(
                .badConfiguration, "the state directory's path is too long for a Unix socket: \(socket)",
                remedy: "choose one of at most 60 characters")
        }
        let safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:,"
        guard directory.allSatisfy({ safe.contains($0) }) else {
            throw AgentError(
                .badConfiguration,
                "the state directory's path holds characters that supervisord's files cannot: \(directory)",
                remedy: "use letters, digits and / . _ - + @ : ,")
        }
    }

    /// Starts supervisord unless it runs.
    ///
    /// - Returns: whether it had to be started.
    @discardableResult
    func ensureRunning() async throws(AgentError) -> Bool {
        if let identity, ProcessTable.isAlive(identity) { return false }
        if let starting {
            // Callers meanwhile wait for the same start.
            do { try await starting.value } catch { throw wrapped(error) }
            return false
        }
        if await answers() { return false }
        let task = Task { try await self.start() }
        starting = task
        defer { starting = nil }
        do { try await task.value } catch { throw wrapped(error) }
        return true
    }

    private func answers() async -> Bool {
        guard isListening, let pid = try? await call(XMLRPCCall(method: "supervisor.getPID")).integer,
            let start = ProcessTable.start(of: pid_t(pid))
        else { return false }
        identity = ProcessTable.Identity(pid: pid_t(pid), start: start)
        return true
    }

    /// Whether someone accepts connections: an HTTP client would go on trying until its time is over.
    private var isListening: Bool {
        let handle = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socket.utf8) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(handle, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        } == 0
    }

    private func start() async throws {
        try Disk.makeDirectory(directory, mode: 0o700)
        try Disk.makeDirectory("\(directory)/conf.d", mode: 0o700)
        let configuration = """
            [unix_http_server]
            file=\(socket)
            chmod=0700

            [supervisord]
            logfile=\(directory)/supervisord.log
            logfile_maxbytes=1MB
            logfile_backups=1
            loglevel=info
            pidfile=\(directory)/supervisord.pid
            childlogdir=\(directory)
            directory=/
            umask=077
            nocleanup=true\(geteuid() == 0 ? "\nuser=root" : "")

            [rpcinterface:supervisor]
            supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

            [include]
            files = conf.d/*.conf

            """
        let file = "\(directory)/supervisord.conf"
        try Disk.write(configuration, to: file, mode: 0o600)
        // It makes itself a daemon: this returns when the daemon is on its way.
        let outcome = try await Tool.run("supervisord", ["-c", file], timeout: .seconds(30))
        guard outcome.status == 0 else {
            throw AgentError(
                .supervisorFailed, "supervisord did not start: \(outcome.output.end())",
                remedy: "see \(directory)/supervisord.log")
        }
        for _ in 0..<1500 {
            if await answers() {
                log.notice("supervisor.started", metadata: ["pid": "\(identity?.pid ?? 0)"])
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw AgentError(
            .supervisorFailed, "supervisord does not answer on \(socket) after 15 s",
            remedy: "see \(directory)/supervisord.log")
    }

    /// Writes a program's file and starts it.
    func add(_ program: String, file content: String) async throws(AgentError) {
        try Disk.write(content, to: "\(directory)/conf.d/\(program).conf", mode: 0o600)
        try await ensureRunning()
        let answers = try await call(
            .multicall([
                XMLRPCCall(method: "supervisor.reloadConfig"),
                XMLRPCCall(method: "supervisor.addProcessGroup", parameters: [.string(program)]),
            ])
        ).array
        for answer in answers ?? [] {
            guard let fault = XMLRPCFault(answer), fault.code != XMLRPCFault.alreadyAdded else { continue }
            throw AgentError(
                .supervisorFailed, "supervisord refused to start \(program): \(fault)",
                remedy: "see \(directory)/supervisord.log")
        }
    }

    /// nil when there is no such program.
    func info(_ program: String) async throws(AgentError) -> ProgramInfo? {
        do {
            return ProgramInfo(
                try await fault(XMLRPCCall(method: "supervisor.getProcessInfo", parameters: [.string(program)])))
        } catch let fault as XMLRPCFault where fault.code == XMLRPCFault.badName {
            return nil
        } catch {
            throw wrapped(error)
        }
    }

    /// The names of all programs.
    func programs() async throws(AgentError) -> [String] {
        try await call(XMLRPCCall(method: "supervisor.getAllProcessInfo")).array?.compactMap { $0["name"]?.string }
            ?? []
    }

    /// Signals and, after `grace`, kills a program's processes; then forgets it.
    func remove(_ program: String, grace: Duration) async throws(AgentError) {
        try Disk.remove("\(directory)/conf.d/\(program).conf")
        try await ensureRunning()
        let deadline = ContinuousClock.now + grace + .seconds(10)
        var pause = Duration.milliseconds(2)
        _ = try? await call(
            XMLRPCCall(method: "supervisor.stopProcess", parameters: [.string(program), .boolean(false)]))
        // supervisord notices a child's end when something wakes it, at the latest after a second: each question does.
        while try await forget(program) == false {
            guard ContinuousClock.now < deadline else {
                throw AgentError(
                    .supervisorFailed, "\(program) does not end, \(grace) after SIGTERM and then SIGKILL",
                    remedy: "a process may be stuck in the kernel; see \(directory)/supervisord.log")
            }
            do { try await Task.sleep(for: pause) } catch { throw wrapped(error) }
            pause = min(pause * 2, .milliseconds(100))
        }
    }

    private func forget(_ program: String) async throws(AgentError) -> Bool {
        do {
            _ = try await fault(XMLRPCCall(method: "supervisor.removeProcessGroup", parameters: [.string(program)]))
            return true
        } catch let fault as XMLRPCFault {
            if fault.code == XMLRPCFault.badName { return true }
            if fault.code == XMLRPCFault.stillRunning { return false }
            throw AgentError(.supervisorFailed, "supervisord refused to forget \(program): \(fault)")
        } catch {
            throw wrapped(error)
        }
    }

    /// Ends supervisord and all of its programs.
    func end() async throws(AgentError) {
        guard await answers(), let identity else { return }
        _ = try await call(XMLRPCCall(method: "supervisor.shutdown"))
        for _ in 0..<3000 where ProcessTable.isAlive(identity) {
            do { try await Task.sleep(for: .milliseconds(10)) } catch { throw wrapped(error) }
        }
        self.identity = nil
    }

    /// The running supervisord's process; nil before the first contact.
    var pid: pid_t? { identity?.pid }

    private func call(_ call: XMLRPCCall) async throws(AgentError) -> XMLRPCValue {
        do { return try await fault(call) } catch { throw wrapped(error) }
    }

    private func fault(_ call: XMLRPCCall) async throws -> XMLRPCValue {
        guard let url = URL(httpURLWithSocketPath: socket, uri: "/RPC2") else {
            throw AgentError(.badConfiguration, "\(socket) cannot be written as an URL")
        }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "text/xml")
        request.body = .bytes(ByteBuffer(string: call.text))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 4 << 20)
        guard response.status == .ok else {
            throw AgentError(.supervisorFailed, "supervisord answered with status \(response.status.code)")
        }
        return try XMLRPCValue.response(String(buffer: body))
    }

    private func wrapped(_ error: any Error) -> AgentError {
        if let error = error as? AgentError { return error }
        return AgentError(
            .supervisorFailed, "supervisord cannot be asked over \(socket): \(error)",
            remedy: "see \(directory)/supervisord.log")
    }
}

extension Supervisor.ProgramInfo {
    fileprivate init(_ value: XMLRPCValue) {
        state = Supervisor.ProgramState(rawValue: value["state"]?.integer ?? 1000) ?? .unknown
        pid = pid_t(value["pid"]?.integer ?? 0)
        exitStatus = value["exitstatus"]?.integer ?? 0
        spawnError = value["spawnerr"]?.string ?? ""
    }
}
