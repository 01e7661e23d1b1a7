import Automata
import Releases
import Testing

@Suite struct ParameterTests {
    static let text = """
        name: a
        version: 1
        types:
          main:
            parameters:
              type: object
              required: [name]
              properties:
                name: {type: string, minLength: 2, maxLength: 8, pattern: "^[a-z]+$"}
                memory: {type: integer, minimum: 1, maximum: 65536, default: 64}
                ratio: {type: number, minimum: 0.5}
                mode: {type: string, enum: [fast, safe], default: safe}
                debug: {type: boolean, default: false}
                hosts: {type: array, items: {type: object, properties: {port: {type: integer}}}}
                deep: {type: object, properties: {level: {type: integer, default: 3}}}
                labels: {type: object, additionalProperties: {type: string}}
        """

    let type: InstanceType

    init() throws { type = try Release.parse(text: Self.text, origin: "x.yaml").type(named: "") }

    @Test("valid parameters come back canonical, with defaults at every depth")
    func defaults() throws {
        #expect(
            try type.validate(#" { "name" : "ab" , "ratio": 2 } "#)
                == #"{"debug":false,"deep":{"level":3},"memory":64,"mode":"safe","name":"ab","ratio":2}"#)
    }

    @Test(
        "each violation names the path of its field, what is expected and what was found",
        arguments: [
            (#"{}"#, #"parameters.name: missing; expected a string of 2 to 8 characters that matches ^[a-z]+$"#),
            (#"{"name":"ab","memory":"abc"}"#, #"parameters.memory: expected an integer from 1 to 65536, found "abc""#),
            (#"{"name":"ab","memory":"64"}"#, #"parameters.memory: expected an integer from 1 to 65536, found "64""#),
            (#"{"name":"ab","memory":0}"#, "parameters.memory: expected an integer from 1 to 65536, found 0"),
            (#"{"name":"ab","memory":1.0}"#, "parameters.memory: expected an integer from 1 to 65536, found 1.0"),
            (#"{"name":"ab","memory":null}"#, "parameters.memory: expected an integer from 1 to 65536, found null"),
            (#"{"name":"ab","ratio":0.25}"#, "parameters.ratio: expected a number of at least 0.5, found 0.25"),
            (
                #"{"name":"a"}"#,
                #"parameters.name: expected a string of 2 to 8 characters that matches ^[a-z]+$, found "a""#
            ),
            (#"{"name":"a1"}"#, #"that matches ^[a-z]+$, found "a1""#),
            (#"{"name":"ab","mode":"slow"}"#, #"parameters.mode: expected "fast" or "safe", found "slow""#),
            (#"{"name":"ab","debug":1}"#, "parameters.debug: expected true or false, found 1"),
            (#"{"name":"ab","hosts":[{},{"port":"x"}]}"#, #"parameters.hosts[1].port: expected an integer, found "x""#),
            (#"{"name":"ab","hosts":{}}"#, "parameters.hosts: expected an array, found {}"),
            (#"{"name":"ab","labels":{"x":1}}"#, "parameters.labels.x: expected a string, found 1"),
            (#"{"name":"ab","memroy":1}"#, #"parameters.memroy: unknown parameter; did you mean "memory"?"#),
            (#"{"name":"ab","deep":{"x":1}}"#, "parameters.deep.x: unknown parameter; known here: level"),
            (#"[]"#, "parameters: expected an object, found []"),
            (#"{"a":1,"a":2}"#, #"parameters: not JSON at byte 12: the key "a" is there twice"#),
            (#"{"a":01}"#, "not JSON at byte 7: a number with a leading zero"),
            (#"{"a""#, "not JSON at byte 4: expected"),
            (#"{} x"#, "not JSON at byte 3: something follows the value"),
        ])
    func violations(_ parameters: String, _ message: String) {
        let error = #expect(throws: ParameterError.self) { try type.validate(parameters) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("all violations are told, in the schema's order")
    func several() {
        let error = #expect(throws: ParameterError.self) { try type.validate(#"{"memory":0,"mode":1}"#) }
        #expect(error?.violations.map(\.path) == ["parameters.name", "parameters.memory", "parameters.mode"])
    }

    @Test("nesting without end is an error, no crash")
    func nesting() {
        let text = #"{"a":"# + String(repeating: "[", count: 100_000)
        let error = #expect(throws: ParameterError.self) { try type.validate(text) }
        #expect(error?.description.contains("nested deeper than 64") == true)
    }

    @Test("command line text is read by the schema's types, and nothing is guessed")
    func commandLine() throws {
        #expect(
            try type.parameters(fromText: ["name=true", "memory=128", "deep.level=4", "hosts=[{\"port\":1}]"])
                == #"{"debug":false,"deep":{"level":4},"hosts":[{"port":1}],"memory":128,"mode":"safe","name":"true"}"#)
    }

    @Test(
        "wrong command line text names the field",
        arguments: [
            (["memory=abc"], #"parameters.memory: expected an integer from 1 to 65536, found "abc""#),
            (["memory=1e3"], #"parameters.memory: expected an integer from 1 to 65536, found "1e3""#),
            (["memroy=1"], #"parameters.memroy: unknown parameter; did you mean "memory"?"#),
            (["memory"], #"parameters: expected key=value, found "memory""#),
            (["=1"], #"parameters: expected key=value, found "=1""#),
            (["memory=1", "memory=2"], "parameters.memory: is given twice; give it once"),
            (["debug=yes"], #"parameters.debug: expected true or false, found "yes""#),
        ])
    func wrongCommandLine(_ texts: [String], _ message: String) {
        let error = #expect(throws: ParameterError.self) { try type.parameters(fromText: texts) }
        #expect(error?.description == message)
    }

    @Test("canonical JSON sorts keys and escapes only what must be")
    func canonical() throws {
        let value = try JSONValue(parsing: #"{"b":[1,2.5,-0.0,1e400000],"a":"x"}"#.replacing(",1e400000", with: ""))
        #expect(value.canonicalJSON == #"{"a":"x","b":[1,2.5,-0.0]}"#)
        #expect(try JSONValue(parsing: #""\u00e9\ud83d\ude00\n\u0001/""#).canonicalJSON == "\"é😀\\n\\u0001/\"")
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: "1e400") }
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: #""\ud83d""#) }
    }
}
