import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
internal import Releases

/// Asks once whether an instance does its work.
struct Readiness {
    let check: RenderedInstance.Check
    let address: String
    /// Runs a check's command: the program and its arguments.
    let command: [String]

    /// - Returns: nil when it is ready, else what was found.
    func ask() async -> String? {
        switch check {
        case .tcp(let port): return await connect(port)
        case .http(let url): return await get(url)
        case .command: return await run()
        }
    }

    private func connect(_ port: UInt16) async -> String? {
        guard let target = SocketAddress(host: address, port: port) else { return "\(address) is no address" }
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let handle = socket(target.family, Int32(type), 0)
        guard handle >= 0 else { return "no socket: \(String(cString: strerror(errno)))" }
        defer { close(handle) }
        if target.withPointer({ Glibc.connect(handle, $0, $1) }) == 0 { return nil }
        guard errno == EINPROGRESS else { return refused(port, errno) }
        // To an address of this machine the answer is there at once; the bound is for one behind a filter.
        for _ in 0..<100 {
            var entry = pollfd(fd: handle, events: Int16(POLLOUT), revents: 0)
            if poll(&entry, 1, 0) > 0 {
                var cause: Int32 = 0
                var length = socklen_t(MemoryLayout<Int32>.size)
                getsockopt(handle, SOL_SOCKET, SO_ERROR, &cause, &length)
                return cause == 0 ? nil : refused(port, cause)
            }
            do { try await Task.sleep(for: .milliseconds(10)) } catch { break }
        }
        return "no answer from \(address) port \(port)"
    }

    private func refused(_ port: UInt16, _ cause: Int32) -> String {
        "\(address) port \(port): \(String(cString: strerror(cause)))"
    }

    private func get(_ url: String) async -> String? {
        do {
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(5))
            // Read a little, so that the connection ends in good order.
            _ = try? await response.body.collect(upTo: 64 << 10)
            return (200..<400).contains(response.status.code)
                ? nil : "\(url) answers with status \(response.status.code)"
        } catch {
            return "\(url): \(error)"
        }
    }

    private func run() async -> String? {
        guard let program = command.first else { return "no command" }
        do {
            let name = program.split(separator: "/").last.map(String.init) ?? program
            let outcome = try await Tool.run(name, Array(command.dropFirst()), timeout: .seconds(10))
            if outcome.timedOut { return "the check's command takes longer than 10 s" }
            return outcome.status == 0
                ? nil : "the check's command ended with \(outcome.status): \(outcome.output.end(lines: 3))"
        } catch {
            return error.description
        }
    }
}
