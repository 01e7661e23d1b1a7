import Foundation
import Synchronization

/// What goes on meanwhile: one moving line on a terminal, elsewhere a plain line for each change. On standard error.
public final class ProgressLine: Sendable {
    private struct State {
        var shown = ""
        var isOpen = false
    }

    private let state = Mutex(State())
    private let isMoving: Bool
    private let isSilent: Bool
    private let began = ContinuousClock.now

    /// - Parameter isSilent: says nothing at all.
    public init(isMoving: Bool = Terminal.errorsAreTerminal, isSilent: Bool = false) {
        self.isMoving = isMoving
        self.isSilent = isSilent
    }

    /// Shows where things stand.
    public func update(_ text: String) {
        guard !isSilent else { return }
        let text = Table.printable(text)
        state.withLock { state in
            if isMoving {
                let age = " (\(Wording.age(seconds: (ContinuousClock.now - began).components.seconds)))"
                let width = max(1, (Terminal.width(of: STDERR_FILENO) ?? 80) - 1 - age.count)
                let cut = (text.count > width ? text.prefix(width - 1) + "…" : text) + age
                Terminal.writeRaw("\r\u{1B}[K\(cut)", to: STDERR_FILENO)
                state.isOpen = true
            } else if text != state.shown {
                Terminal.note(text)
            }
            state.shown = text
        }
    }

    /// Takes the moving line away, so that what follows begins on a clean one.
    public func finish() {
        state.withLock { state in
            if state.isOpen { Terminal.writeRaw("\r\u{1B}[K", to: STDERR_FILENO) }
            state.isOpen = false
        }
    }
}
