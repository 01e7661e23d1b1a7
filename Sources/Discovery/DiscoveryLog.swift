import CAvahi
import Logging
import Synchronization

/// The logger with the event names of this target.
struct DiscoveryLog: Sendable {
    let logger: Logger

    func debug(_ event: String, _ metadata: @autoclosure () -> [String: String] = [:]) {
        logger.debug("\(event)", metadata: metadata().mapValues { .string($0) })
    }

    /// Takes Avahi's own messages from standard error to `debug`. They are for us: what an operator should know has an
    /// event of its own.
    ///
    /// libavahi-core has one log function per process, without a context: of several services the last one started
    /// receives the messages of all.
    func adoptAvahiMessages() {
        avahiLogger.withLock { $0 = logger }
        avahi_set_log_function { level, text in
            guard let text else { return }
            let logger = avahiLogger.withLock { $0 }
            logger?.debug(
                "discovery.avahi", metadata: ["message": "\(String(cString: text))", "level": "\(level.rawValue)"])
        }
    }
}

private let avahiLogger = Mutex<Logger?>(nil)
