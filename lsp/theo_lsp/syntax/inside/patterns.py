"""What is a definition, a comment and a decorator in each grammar, as tree-sitter's own patterns.

A capture's name is the kind of a definition, in a plain word, or one of these: @name; @comment; @inner in @whole, which
belongs to it (an export around a class); @before, which belongs to what follows on the next line (an attribute); @tail,
which ends the definition; @doc, which documents what follows; @between, which may stand between the two; @documented.
"""

from __future__ import annotations

from typing import Final

_JAVASCRIPT: Final = """
[(function_declaration name: (_) @name) (generator_function_declaration name: (_) @name)] @function
(class_declaration name: (_) @name) @class
(method_definition name: (_) @name) @method
(lexical_declaration (variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)])) @function
(variable_declaration (variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)])) @function
(lexical_declaration (variable_declarator name: (identifier) @name value: (class))) @class
(expression_statement (assignment_expression left: (_) @name right: [(arrow_function) (function_expression)])) @function
(pair key: (_) @name value: [(arrow_function) (function_expression)]) @method
(export_statement value: [(arrow_function) (function_expression) (generator_function)]) @function
(export_statement value: (class)) @class
(export_statement declaration: (_) @inner) @whole
(comment) @comment
"""  # noqa: E501
_TYPESCRIPT: Final = (
    _JAVASCRIPT
    + """
(class_body decorator: (decorator) @before)
(abstract_class_declaration name: (_) @name) @class
(public_field_definition name: (_) @name value: [(arrow_function) (function_expression)]) @method
[(abstract_method_signature name: (_) @name) (method_signature name: (_) @name)] @method
(function_signature name: (_) @name) @function
(ambient_declaration (_) @inner) @whole
(interface_declaration name: (_) @name) @interface
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @enum
(expression_statement (internal_module name: (_) @name)) @namespace
(module name: (_) @name) @module
"""
)
_C: Final = """
(function_definition declarator: (_) @name) @function
(type_definition type: (struct_specifier !name body: (_)) declarator: (_) @name) @struct
(type_definition type: (union_specifier !name body: (_)) declarator: (_) @name) @union
(type_definition type: (enum_specifier !name body: (_)) declarator: (_) @name) @enum
(type_definition type: [(struct_specifier) (union_specifier) (enum_specifier)] @inner) @whole
(struct_specifier name: (_) @name body: (_)) @struct
(union_specifier name: (_) @name body: (_)) @union
(enum_specifier name: (_) @name body: (_)) @enum
(translation_unit (declaration declarator: (function_declarator declarator: (identifier) @name)) @function)
(translation_unit (declaration declarator: (pointer_declarator (function_declarator) @name)) @function)
(preproc_ifdef (declaration declarator: (function_declarator declarator: (identifier) @name)) @function)
(preproc_ifdef (declaration declarator: (pointer_declarator (function_declarator) @name)) @function)
(comment) @comment
"""
PATTERNS: Final = {
    "python": """
(function_definition name: (_) @name) @function
(class_definition name: (_) @name) @class
(decorated_definition definition: (_) @inner) @whole
(function_definition body: (block . (string))) @documented
(class_definition body: (block . (string))) @documented
(comment) @comment
""",
    "javascript": _JAVASCRIPT + "(field_definition property: (_) @name value: [(arrow_function) (function_expression)])"
    " @method",
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "go": """
(function_declaration name: (_) @name) @function
(method_declaration name: (_) @name) @method
(type_declaration . (type_spec name: (_) @name type: (struct_type)) .) @struct
(type_declaration . (type_spec name: (_) @name type: (interface_type)) .) @interface
(type_declaration . (type_spec name: (_) @name) .) @type
(type_declaration "(" (type_spec name: (_) @name type: (struct_type)) @struct)
(type_declaration "(" (type_spec name: (_) @name type: (interface_type)) @interface)
(type_declaration "(" (type_spec name: (_) @name) @type)
(var_declaration (var_spec name: (_) @name value: (expression_list (func_literal)))) @function
(comment) @comment
""",
    "rust": """
(function_item name: (_) @name) @function
(function_signature_item name: (_) @name) @function
(impl_item type: (_) @name) @implementation
(struct_item name: (_) @name) @struct
(union_item name: (_) @name) @union
(enum_item name: (_) @name) @enum
(trait_item name: (_) @name) @trait
(mod_item name: (_) @name body: (_)) @module
(macro_definition name: (_) @name) @macro
(type_item name: (_) @name) @type
(attribute_item) @before
[(line_comment) (block_comment)] @comment
""",
    "java": """
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @constructor
(compact_constructor_declaration name: (_) @name) @constructor
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(enum_declaration name: (_) @name) @enum
(record_declaration name: (_) @name) @record
(annotation_type_declaration name: (_) @name) @annotation
[(line_comment) (block_comment)] @comment
""",
    "kotlin": """
(function_declaration (simple_identifier) @name) @function
(class_declaration "interface" (type_identifier) @name) @interface
(class_declaration (type_identifier) @name) @class
(object_declaration (type_identifier) @name) @object
(companion_object) @object
(secondary_constructor) @constructor
[(line_comment) (multiline_comment)] @comment
""",
    "c": _C,
    "cpp": _C
    + """
(class_specifier name: (_) @name body: (_)) @class
(namespace_definition name: (_) @name) @namespace
(field_declaration_list (declaration declarator: (function_declarator) @name) @method)
(field_declaration_list (field_declaration declarator: (function_declarator) @name) @method)
(field_declaration_list (field_declaration declarator: (_ (function_declarator) @name)) @method)
(declaration_list (declaration declarator: (function_declarator declarator: (identifier) @name)) @function)
(template_declaration [(function_definition) (class_specifier) (struct_specifier) (declaration)] @inner) @whole
(concept_definition name: (_) @name) @concept
""",
    "csharp": """
(method_declaration name: (_) @name) @method
(constructor_declaration name: (_) @name) @constructor
(local_function_statement name: (_) @name) @function
(property_declaration name: (_) @name accessors: (accessor_list (accessor_declaration body: (_)))) @property
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(struct_declaration name: (_) @name) @struct
(enum_declaration name: (_) @name) @enum
(record_declaration name: (_) @name) @record
(namespace_declaration name: (_) @name) @namespace
(comment) @comment
""",
    "php": """
(function_definition name: (_) @name) @function
(method_declaration name: (_) @name) @method
(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(trait_declaration name: (_) @name) @trait
(enum_declaration name: (_) @name) @enum
(expression_statement (assignment_expression left: (_) @name right: [(arrow_function) (anonymous_function)])) @function
(comment) @comment
""",
    "ruby": """
(method name: (_) @name) @function
(singleton_method name: (_) @name) @function
(class name: (_) @name) @class
(module name: (_) @name) @module
(comment) @comment
""",
    "swift": """
(function_declaration name: (simple_identifier) @name) @function
(protocol_function_declaration name: (simple_identifier) @name) @function
(init_declaration) @initializer
(class_declaration "class" name: (_) @name) @class
(class_declaration "struct" name: (_) @name) @struct
(class_declaration "enum" name: (_) @name) @enum
(class_declaration "extension" name: (_) @name) @extension
(class_declaration "actor" name: (_) @name) @actor
(protocol_declaration name: (_) @name) @protocol
[(comment) (multiline_comment)] @comment
""",
    "lua": """
(function_declaration name: (_) @name) @function
(chunk (assignment_statement (variable_list . name: (_) @name) (expression_list . value: (function_definition))) @function)
(block (assignment_statement (variable_list . name: (_) @name) (expression_list . value: (function_definition))) @function)
(variable_declaration (assignment_statement (variable_list . name: (_) @name) (expression_list . value: (function_definition)))) @function
(comment) @comment
""",  # noqa: E501
    "r": """
(binary_operator lhs: (_) @name rhs: (function_definition)) @function
(comment) @comment
""",
    "elixir": """
(call target: (identifier) @_how (arguments . (_) @name) (#any-of? @_how "def" "defp")) @function
(call target: (identifier) @_how (arguments . (_) @name) (#any-of? @_how "defmacro" "defmacrop")) @macro
(call target: (identifier) @_how (arguments . (_) @name) (#any-of? @_how "defmodule" "defimpl")) @module
(call target: (identifier) @_how (arguments . (_) @name) (#eq? @_how "defprotocol")) @protocol
((unary_operator operand: (call target: (identifier) @_how)) @doc (#eq? @_how "doc"))
((unary_operator operand: (call target: (identifier) @_how)) @between (#any-of? @_how "spec" "impl" "deprecated" "since"))
((call (do_block . (unary_operator operand: (call target: (identifier) @_how)))) @documented (#eq? @_how "moduledoc"))
(comment) @comment
""",  # noqa: E501
    "bash": """
(function_definition name: (_) @name) @function
(comment) @comment
""",
    "scala": """
(function_definition name: (_) @name) @function
(function_declaration name: (_) @name) @function
(class_definition name: (_) @name) @class
(object_definition name: (_) @name) @object
(trait_definition name: (_) @name) @trait
(enum_definition name: (_) @name) @enum
[(comment) (block_comment)] @comment
""",
    "dart": """
((function_signature name: (_) @name) @function . (function_body) @tail)
((method_signature [
  (function_signature name: (_) @name) (getter_signature name: (_) @name)
  (setter_signature name: (_) @name)
]) @method . (function_body) @tail)
((method_signature [
  (constructor_signature name: (_) @name) (factory_constructor_signature (identifier) @name)
]) @constructor . (function_body) @tail)
((getter_signature name: (_) @name) @function . (function_body) @tail)
(declaration (constructor_signature name: (_) @name)) @constructor
(class_definition name: (_) @name) @class
(mixin_declaration (identifier) @name) @mixin
(extension_declaration name: (_) @name) @extension
(enum_declaration name: (_) @name) @enum
(annotation) @before
[(comment) (documentation_comment)] @comment
""",
    "julia": """
(function_definition (signature) @name) @function
(macro_definition (signature) @name) @macro
(assignment . (call_expression) @name) @function
(struct_definition (type_head) @name) @struct
(module_definition name: (_) @name) @module
(macrocall_expression (macro_argument_list (function_definition) @inner)) @whole
((string_literal) @doc . [(function_definition) (macro_definition) (assignment) (struct_definition)])
((string_literal) @doc . (module_definition))
[(line_comment) (block_comment)] @comment
""",
    "haskell": """
(declarations [(function name: (_) @name) (bind name: (_) @name)] @function)
(class_declarations [(function name: (_) @name) (bind name: (_) @name)] @function)
(instance_declarations [(function name: (_) @name) (bind name: (_) @name)] @function)
(data_type name: (_) @name) @type
(newtype name: (_) @name) @type
(type_synomym name: (_) @name) @type
(class name: (_) @name) @class
(instance name: (_) @name) @instance
(signature) @before
[(comment) (haddock)] @comment
""",
    "zig": """
(Decl (FnProto function: (_) @name)) @function
(Decl (VarDecl variable_type_function: (_) @name (ErrorUnionExpr (SuffixExpr (ContainerDecl))))) @struct
(TestDecl [(STRINGLITERALSINGLE) (IDENTIFIER)] @name) @test
[(line_comment) (doc_comment) (container_doc_comment)] @comment
""",
    "perl": """
(subroutine_declaration_statement name: (_) @name) @function
(method_declaration_statement name: (_) @name) @method
(class_statement name: (_) @name (block)) @class
(package_statement name: (_) @name (block)) @package
[(comment) (pod)] @comment
""",
    "sql": """
(create_function (object_reference) @name) @function
(create_table (object_reference) @name) @table
(create_view (object_reference) @name) @view
(create_trigger (object_reference) @name) @trigger
[(comment) (marginalia)] @comment
""",
    "css": "(comment) @comment",
}
DOC_MARKS: Final = {
    "javascript": ("/**",), "typescript": ("/**",), "tsx": ("/**",), "java": ("/**",), "php": ("/**",),
    "scala": ("/**",), "kotlin": ("/**",), "rust": ("///", "/**", "//!"), "csharp": ("///", "/**"),
    "swift": ("///", "/**"), "dart": ("///", "/**"), "zig": ("///",), "lua": ("---",), "r": ("#'",),
    "haskell": ("-- |", "--  ", "{-|", "-- ^"), "elixir": ("@",), "julia": ('"',),
}  # fmt: skip
"""How the comment begins that documents what is below it; where none is named, any comment does."""
