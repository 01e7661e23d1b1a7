import Foundation

extension LabHost {
    /// Runs blocking code as if in the host: the sockets that it makes are on the host's network.
    ///
    /// A network namespace belongs to a thread (setns(2)), so the code has a thread of its own, which ends with it.
    /// That costs a few tens of microseconds, where a program in the host would cost milliseconds.
    ///
    /// - Parameter body: ends by itself in bounded time; it does not see a cancellation.
    /// - Throws: `LabError.notPossibleHere`; whatever the body throws.
    public func onItsNetwork<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let path = "/run/netns/\(namespace)"
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try NetworkNamespace.enter(path)
                        return try body()
                    })
            }
        }
    }
}

extension LabHost {
    /// Programs in the host, started from now on, ask this address for names; those of the machine's own file no more.
    ///
    /// `ip netns exec` shows them `/etc/netns/NAMESPACE/resolv.conf` in place of `/etc/resolv.conf`; it goes with the LAN.
    public func useNameServer(_ address: String) throws {
        let folder = Remains.settings(of: namespace)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try "nameserver \(address)\n".write(toFile: folder + "/resolv.conf", atomically: true, encoding: .utf8)
    }
}

private enum NetworkNamespace {
    private typealias Setns = @convention(c) (CInt, CInt) -> CInt
    /// CLONE_NEWNET of <linux/sched.h>.
    private static let networkFlag: CInt = 0x4000_0000

    /// Puts the calling thread into the namespace, for as long as it lives.
    static func enter(_ path: String) throws {
        #if os(Linux)
        // Looked up by name, because Swift's Glibc module has only what C programs get without _GNU_SOURCE.
        guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "setns") else {
            throw LabError(.notPossibleHere, "this system's C library has no setns")
        }
        let setns = unsafeBitCast(symbol, to: Setns.self)
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure(path) }
        defer { close(file) }
        guard setns(file, networkFlag) == 0 else { throw failure(path) }
        #else
        throw LabError(.notPossibleHere, "network namespaces need Linux")
        #endif
    }

    private static func failure(_ path: String) -> LabError {
        LabError(.notPossibleHere, "\(path) cannot be entered: \(String(cString: strerror(errno)))")
    }
}
