import Foundation

/// A system bus and an avahi-daemon of the host's own, as on a machine of its own.
extension LabHost {
    /// Starts both, and returns when avahi-daemon has its name on the link.
    func startDaemons() async throws {
        let socket = "\(folder)/bus"
        // A bus that was killed leaves its socket, on which the next cannot listen.
        if FileManager.default.fileExists(atPath: socket) { try FileManager.default.removeItem(atPath: socket) }
        let busFile = "\(folder)/bus.conf"
        try busConfiguration(socket: socket).write(toFile: busFile, atomically: true, encoding: .utf8)
        let bus = try await spawn(
            ["dbus-daemon", "--config-file=\(busFile)", "--nofork", "--nopidfile"], log: "\(folder)/dbus-daemon.log")
        try await Polling.until("\(name)'s dbus-daemon listens", within: .seconds(10), every: .milliseconds(20)) {
            try mustRun(bus)
            return FileManager.default.fileExists(atPath: socket)
        }
        let avahiFile = "\(folder)/avahi-daemon.conf"
        try avahiConfiguration.write(toFile: avahiFile, atomically: true, encoding: .utf8)
        // The path of its pid file is compiled in, and its folder need not exist: `ip netns exec` gives it a mount
        // namespace of its own, in which /run is empty.
        let avahi = try await spawn(
            [
                "sh", "-c", #"mount -t tmpfs tmpfs /run && exec avahi-daemon -f "$0" --no-drop-root --no-chroot"#,
                avahiFile,
            ], log: "\(folder)/avahi-daemon.log")
        try await Polling.until("\(name)'s avahi-daemon runs", within: .seconds(20), every: .milliseconds(100)) {
            try mustRun(avahi)
            let answer = try await run([
                "dbus-send", "--system", "--print-reply=literal", "--dest=org.freedesktop.Avahi", "/",
                "org.freedesktop.Avahi.Server.GetState",
            ])
            // AVAHI_SERVER_RUNNING of avahi-common/defs.h.
            return answer.output.split(whereSeparator: \.isWhitespace).last == "2"
        }
    }

    private func mustRun(_ process: LabProcess) throws {
        guard let exit = process.exit else { return }
        throw LabError(
            .commandFailed,
            "`\(process.command.joined(separator: " "))` in \(name) ended with \(exit): "
                + process.logText().suffix(2_000))
    }

    /// Everyone on the host may own every name: nothing but the test is at stake.
    private func busConfiguration(socket: String) -> String {
        """
        <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
         "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
        <busconfig>
          <type>system</type>
          <listen>unix:path=\(socket)</listen>
          <auth>EXTERNAL</auth>
          <policy context="default">
            <allow user="*"/>
            <allow own="*"/>
            <allow send_destination="*"/>
            <allow receive_sender="*"/>
          </policy>
        </busconfig>

        """
    }

    private var avahiConfiguration: String {
        """
        [server]
        host-name=\(name)
        allow-interfaces=eth0
        use-ipv4=\(ipv4 == nil ? "no" : "yes")
        use-ipv6=\(ipv6 == nil ? "no" : "yes")
        enable-dbus=yes

        [wide-area]
        enable-wide-area=no

        [publish]
        publish-hinfo=no
        publish-workstation=no

        """
    }
}
