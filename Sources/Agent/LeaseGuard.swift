import Automata
import Glibc

/// Ends an exclusive instance at its lease's end when the agent cannot: it is dead, or hangs.
///
/// The agent stops such an instance itself, some seconds before (`ClaimKeeper`). This is the second line: a shell of a
/// session of its own beside the instance, which looks once a second at a file with the lease's end and kills the
/// instance's process group when it is reached. It needs neither agent nor supervisord. It costs one `sleep` a second.
///
/// The file holds the boot's id and an instant in seconds of that boot (`/proc/uptime`), since no other clock of a
/// machine is certain to go forward; of another boot it counts as ended.
enum LeaseGuard {
    /// How long before the lease's end the guard acts: it looks once a second, and killing takes its time.
    private static let marginSeconds: Int64 = 2

    static func path(in control: String) -> String { "\(control)/lease" }

    /// Writes the lease's end.
    ///
    /// - Parameters:
    ///   - remaining: until the end; negative when it has passed.
    ///   - owner: who runs the instance, and reads the file.
    static func hold(_ remaining: Duration, in control: String, owner: (uid: uid_t, gid: gid_t)?) throws(AgentError) {
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        let end = Int64(now.tv_sec) + remaining.components.seconds - marginSeconds
        let boot = try Disk.read("/proc/sys/kernel/random/boot_id") ?? ""
        let line = "\(boot.filter { !$0.isNewline }) \(max(0, end))\n"
        try Disk.write(line, to: path(in: control), mode: 0o600, owner: owner)
    }

    /// Lines of the launch script, before its `exec`: refuses a lease that has ended, then sets the guard beside itself.
    static func lines(control: String) -> [String] {
        let file = path(in: control).shellQuoted
        return [
            "leased() { read -r boot end < \(file) && read -r this < /proc/sys/kernel/random/boot_id && "
                + "read -r up _ < /proc/uptime && [ \"$boot\" = \"$this\" ] && [ \"${up%.*}\" -lt \"$end\" ]; }",
            "leased || { echo 'the lease of this exclusive instance has ended' >&2; exit 1; }",
            "guarded=$$",
            "( trap '' TERM INT; while kill -0 $guarded 2>/dev/null; do leased || kill -KILL -$guarded; sleep 1; done ) "
                + "</dev/null >/dev/null 2>&1 &",
        ]
    }
}
