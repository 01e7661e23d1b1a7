import CAvahi

#if canImport(Glibc)
import Glibc
#endif

/// Calls back when an address or a link of this host changes (rtnetlink(7)), at most once per 200 ms.
///
/// On the loop's thread only. Where a sandbox forbids netlink sockets it calls back every 10 s instead.
final class AddressWatch {
    private let loop: AvahiLoop
    private let changed: () -> Void
    private var socket: Int32 = -1
    private var watch: OpaquePointer?
    private var pending: AvahiLoop.TimerID?

    init(loop: AvahiLoop, changed: @escaping () -> Void) {
        self.loop = loop
        self.changed = changed
    }

    func start() {
        guard open() else { return settle(after: .seconds(10), again: true) }
        let context = Unmanaged.passUnretained(self).toOpaque()
        watch = loop.api?.pointee.watch_new(
            loop.api, socket, AVAHI_WATCH_IN,
            { _, _, _, context in
                guard let context else { return }
                Unmanaged<AddressWatch>.fromOpaque(context).takeUnretainedValue().onMessages()
            }, context)
    }

    func stop() {
        if let watch { loop.api?.pointee.watch_free(watch) }
        watch = nil
        if socket >= 0 { close(socket) }
        socket = -1
        loop.cancel(pending)
        pending = nil
    }

    private func open() -> Bool {
        socket = Glibc.socket(
            AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), NETLINK_ROUTE)
        guard socket >= 0 else { return false }
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = UInt32(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)
        let size = socklen_t(MemoryLayout<sockaddr_nl>.size)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) == 0 }
        }
    }

    /// What the messages say is read anew from the system: only that there are some matters. An overrun (ENOBUFS) says
    /// the same.
    private func onMessages() {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while recv(socket, &buffer, buffer.count, 0) > 0 {}
        settle(after: .milliseconds(200), again: false)
    }

    private func settle(after delay: Duration, again: Bool) {
        guard pending == nil else { return }
        pending = loop.schedule(after: delay) { [weak self] in
            self?.pending = nil
            self?.changed()
            if again { self?.settle(after: delay, again: true) }
        }
    }
}
