import Foundation

/// A file that a scenario names, read whole.
struct SideFile {
    /// Where it is: beside the scenario.
    let path: String
    let text: String

    init(_ name: String, beside scenario: String, _ refuse: (String) -> ScenarioError) throws(ScenarioError) {
        let folder = (scenario as NSString).deletingLastPathComponent
        path = name.hasPrefix("/") || folder.isEmpty ? name : folder + "/" + name
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw refuse("expected a file beside the scenario; \(path) cannot be read")
        }
    }

    /// Lines with their numbers from 1; comments and empty ones left out.
    var lines: [(number: Int, fields: [Substring])] {
        // Spreadsheets end lines with two characters, which Swift reads as one, and may begin with a mark of their own.
        let lines = text.trimmingPrefix("\u{FEFF}").split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.enumerated().compactMap { number, line in
            let line = line.trimmingPrefix { $0 == " " }
            guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map {
                Substring($0.trimmingCharacters(in: .whitespaces))
            }
            return (number + 1, fields)
        }
    }

    func error(_ line: Int, expected: String, found: some StringProtocol) -> ScenarioError {
        ScenarioError(file: path, line: line, message: "expected \(expected), found \"\(found)\"")
    }
}

extension SideFile {
    /// A churn trace: `time,peer,up|down` with seconds, any names for peers, times that never go back.
    func churn() throws(ScenarioError) -> [TraceEntry] {
        var entries: [TraceEntry] = []
        var numbers: [Substring: Int] = [:]  // looked up only
        var isUp: [Bool] = []
        var last = 0.0
        for (line, fields) in lines {
            if line == 1 || entries.isEmpty, fields.first == "time" { continue }
            guard fields.count == 3 else {
                throw error(line, expected: "three fields `time,peer,up|down`", found: fields.joined(separator: ","))
            }
            guard let time = Double(fields[0]), time >= 0, time < 1e9 else {
                throw error(line, expected: "seconds from 0 on", found: fields[0])
            }
            guard time >= last else {
                throw error(line, expected: "a time not before \(last), that of the line above", found: fields[0])
            }
            guard fields[2] == "up" || fields[2] == "down" else {
                throw error(line, expected: "`up` or `down`", found: fields[2])
            }
            let number = numbers[fields[1]] ?? numbers.count
            if number == isUp.count {
                numbers[fields[1]] = number
                isUp.append(false)
            }
            guard isUp[number] != (fields[2] == "up") else {
                throw error(line, expected: "peer \(fields[1]) to go \(isUp[number] ? "down" : "up")", found: fields[2])
            }
            isUp[number] = fields[2] == "up"
            last = time
            entries.append(TraceEntry(at: .fraction(time), peer: number, isUp: isUp[number]))
        }
        guard !entries.isEmpty else {
            throw ScenarioError(file: path, line: nil, message: "holds no line `time,peer,up|down`")
        }
        return entries
    }

    /// A delay matrix: as many numbers in each line as there are lines, in milliseconds one way.
    func delays() throws(ScenarioError) -> (places: Int, microseconds: [UInt32]) {
        let rows = lines
        var microseconds: [UInt32] = []
        for (line, fields) in rows {
            guard fields.count == rows.count else {
                throw error(
                    line, expected: "\(rows.count) delays, as many as there are lines", found: "\(fields.count)")
            }
            for field in fields {
                guard let value = Double(field), value >= 0, value < 4_000_000 else {
                    throw error(line, expected: "a delay in milliseconds", found: field)
                }
                microseconds.append(UInt32(value * 1_000))
            }
        }
        guard !rows.isEmpty, rows.count <= 10_000 else {
            throw ScenarioError(
                file: path, line: nil, message: "expected 1 to 10000 lines of delays, found \(rows.count)")
        }
        return (rows.count, microseconds)
    }
}
