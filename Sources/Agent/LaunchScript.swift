import Automata
import Glibc
internal import Releases

/// The shell text that turns a rendered instance into a process with its limits, its user and its walls.
///
/// Output goes to the log files straight, not through supervisord, so that it costs no Python and does not break when
/// supervisord dies.
struct LaunchScript {
    let place: PartitionPlace
    let isolation: Isolation
    /// The state directory, which an instance inside bubblewrap does not see, except for what is its own.
    let state: String
    /// The release's directory.
    let release: String
    /// Marks the instance's processes where no user does.
    let marker: String
    /// At most one machine may run the instance: a guard ends it with its lease.
    var isExclusive = false

    /// What the program is started by; supervisord runs it as the partition's user, in a process group of its own.
    ///
    /// When the process of an earlier supervisord still runs, the script waits for that one, and passes SIGTERM on to
    /// its group: so the death of supervisord ends nothing.
    func run(_ instance: RenderedInstance, command: RenderedInstance.Command) -> String {
        var lines = [
            "# Made by palmier: starts the instance in partition \(place.number).",
            "started() { read -r line < /proc/$1/stat 2>/dev/null || return 1; set -- ${line##*) }; echo \"${20} $1\"; }",
            "pidfile=\("\(place.control)/pid".shellQuoted)",
            "if read -r pid start < \"$pidfile\" 2>/dev/null && now=$(started \"$pid\") && [ \"${now% *}\" = \"$start\" ] && "
                + "[ \"${now#* }\" != Z ] && [ \"$pid\" != $$ ]; then",
            "    trap 'kill -TERM -$pid 2>/dev/null || kill -TERM $pid' TERM INT",
            "    while now=$(started \"$pid\") && [ \"${now% *}\" = \"$start\" ] && [ \"${now#* }\" != Z ]; do sleep 1 & wait $!; done",
            "    exit 1  # how it ended is not known: the restart policy counts it as a failure",
            "fi",
            "now=$(started $$) && echo \"$$ ${now% *}\" > \"$pidfile\"",
            "exec </dev/null >>\("\(place.control)/stdout.log".shellQuoted) 2>>\("\(place.control)/stderr.log".shellQuoted)",
        ]
        if isExclusive { lines += LeaseGuard.lines(control: place.control) }
        lines += preparation(instance)
        lines.append("exec " + enclosed(words(command), graceful: true))
        return lines.joined(separator: "\n") + "\n"
    }

    /// What a check or a stop command is started by: the same user, limits and walls.
    func auxiliary(_ instance: RenderedInstance, command: RenderedInstance.Command) -> String {
        (preparation(instance) + ["exec " + enclosed(words(command), graceful: false)]).joined(separator: "\n") + "\n"
    }

    /// What a release's build script is started by: it may write to the release's directory.
    func build(_ text: String, log: String) -> String {
        var lines = ["exec </dev/null >>\(log.shellQuoted) 2>&1", "cd \(release.shellQuoted) || exit 1"]
        lines += exports([
            "HOME": release, "TMPDIR": "/tmp", "PALMIER_release_directory": release, "LC_ALL": "C.UTF-8",
            "PATH": Tool.path,
        ])
        lines.append("exec " + enclosed(["/bin/sh", "-e", "-c", text], graceful: false, writable: release))
        return lines.joined(separator: "\n") + "\n"
    }

    /// How a script is run as the partition's user.
    var launcher: [String] {
        guard isolation == .users, let user = place.user else { return ["/bin/sh"] }
        return [
            "/usr/bin/setpriv", "--reuid=\(user.uid)", "--regid=\(user.gid)", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--bounding-set=-all", "/bin/sh",
        ]
    }

    private func preparation(_ instance: RenderedInstance) -> [String] {
        let directory = place.directory
        var lines = ["cd \(directory.shellQuoted) || exit 1", "mkdir -p tmp", "umask 077"]
        let programs = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].map {
            release + $0
        }
        let libraries = ["/usr/lib/$(uname -m)-linux-gnu", "/lib/$(uname -m)-linux-gnu", "/usr/lib", "/usr/local/lib"]
        var environment = [
            "HOME": directory, "TMPDIR": "\(directory)/tmp", "LC_ALL": "C.UTF-8",
            "PATH": (["\(release)/bin"] + programs + [Tool.path]).joined(separator: ":"),
        ]
        environment.merge(instance.environment) { $1 }
        environment["PALMIER_INSTANCE"] = marker
        lines += exports(environment)
        if Disk.exists("\(release)/usr/lib") || Disk.exists("\(release)/lib") {
            let path = libraries.map { "\(release)\($0)" }.joined(separator: ":")
            lines.append("export LD_LIBRARY_PATH=\"\(path)\"")
        }
        if let files = instance.openFiles { lines.append("ulimit -n \(files)") }
        if let processes = instance.processes { lines.append("ulimit -p \(processes)") }
        // In units of 1,024 and of 512 bytes (dash(1)).
        if let memory = instance.memory { lines.append("ulimit -v \(max(1, memory.bytes / 1024))") }
        if let size = instance.fileSize { lines.append("ulimit -f \(max(1, size.bytes / 512))") }
        lines.append("ulimit -c 0")
        return lines
    }

    private func exports(_ environment: [String: String]) -> [String] {
        environment.sorted { $0.key < $1.key }.map { "export \($0.key)=\($0.value.shellQuoted)" }
    }

    private func words(_ command: RenderedInstance.Command) -> [String] {
        switch command {
        case .arguments(let words): words
        case .script(let text): ["/bin/sh", "-c", text]
        }
    }

    /// The command within its walls, as shell text.
    ///
    /// A group's SIGTERM reaches `bwrap`, too, which would die of it and take the instance along before that has
    /// stored anything: so `bwrap` ignores it, and the instance gets it back.
    private func enclosed(_ words: [String], graceful: Bool, writable: String? = nil) -> String {
        let quoted = words.map(\.shellQuoted).joined(separator: " ")
        guard isolation == .bubblewrap else { return quoted }
        var walls = [
            "--unshare-user", "--unshare-pid", "--unshare-ipc", "--ro-bind", "/", "/", "--dev", "/dev", "--proc",
            "/proc",
            "--tmpfs", "/tmp",
        ]
        for hidden in hiddenDirectories where Disk.exists(hidden) { walls += ["--tmpfs", hidden] }
        walls += ["--tmpfs", state, "--ro-bind", "\(state)/releases", "\(state)/releases"]
        walls += ["--bind", place.directory, place.directory]
        if let writable { walls += ["--bind", writable, writable] }
        walls += ["--chdir", writable ?? place.directory]
        let bwrap = (["bwrap"] + walls).map(\.shellQuoted).joined(separator: " ")
        return graceful
            ? "env --ignore-signal=TERM \(bwrap) -- env --default-signal=TERM \(quoted)" : "\(bwrap) -- \(quoted)"
    }

    /// The owner's home and session: what an instance has no business with.
    private var hiddenDirectories: [String] {
        var directories = ["/home", "/run/user"]
        if let entry = getpwuid(geteuid()), let home = entry.pointee.pw_dir {
            let path = String(cString: home)
            if path != "/", path.hasPrefix("/"), !path.hasPrefix("/home/") { directories.append(path) }
        }
        return directories
    }

    /// supervisord's file for the program.
    func program(named name: String, instance: RenderedInstance) -> String {
        let restart: String
        switch instance.restart.policy {
        case .always: restart = "true"
        case .onFailure: restart = "unexpected"
        case .never: restart = "false"
        }
        return """
            [program:\(name)]
            command=\((launcher + ["\(place.control)/run"]).joined(separator: " "))
            directory=/
            autostart=true
            autorestart=\(restart)
            exitcodes=0
            startsecs=1
            startretries=\(instance.restart.policy == .never ? 0 : instance.restart.attempts)
            stopsignal=TERM
            stopwaitsecs=\(max(1, Int(instance.grace.components.seconds)))
            stopasgroup=true
            killasgroup=true
            stdout_logfile=NONE
            stderr_logfile=NONE

            """
    }
}
