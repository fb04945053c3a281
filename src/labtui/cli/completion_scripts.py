"""What `labtui completion SHELL` prints. The scripts hold no names: they ask the labtui that is installed."""

from __future__ import annotations

_BASH = r"""# Completion of labtui in bash: eval "$(labtui completion bash)"
# or once: labtui completion bash > ~/.local/share/bash-completion/completions/labtui
_labtui() {
    local program=labtui paths line word="${COMP_WORDS[COMP_CWORD]}"
    type -P labtui >/dev/null || program=$1
    COMPREPLY=()
    [[ $word == "=" || $word == ":" ]] && word=""
    {
        IFS= read -r paths
        while IFS= read -r line; do
            printf -v line '%q' "${line%%$'\t'*}"
            COMPREPLY+=("$line")
        done
    } < <("$program" __complete bash "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    case $paths in
        files | folders)
            compopt -o filenames 2>/dev/null
            local how=-f
            [[ $paths == folders ]] && how=-d
            while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen $how -- "$word")
            ;;
    esac
}
complete -F _labtui labtui
"""

_ZSH = r"""#compdef labtui
# Completion of labtui in zsh: eval "$(labtui completion zsh)" after compinit
# or once, into a folder of $fpath: labtui completion zsh > ~/.zfunc/_labtui
_labtui() {
    local program=labtui line paths word
    local -a lines words_found
    (( $+commands[labtui] )) || program=${(Q)words[1]}
    lines=("${(@f)$("$program" __complete zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    paths=$lines[1]
    for line in "${(@)lines[2,-1]}"; do
        word=${line%%$'\t'*}
        [[ -n $word ]] || continue
        line=${line#*$'\t'}
        words_found+=("${${word//\\/\\\\}//:/\\:}${line:+:$line}")
    done
    case $paths in
        files) compset -P '*='; _files ;;
        folders) compset -P '*='; _files -/ ;;
        *) _describe -t labtui labtui words_found ;;
    esac
}
if [[ $funcstack[1] == _labtui ]]; then
    _labtui "$@"
else
    compdef _labtui labtui
fi
"""

_FISH = r"""# Completion of labtui in fish: labtui completion fish | source
# or once: labtui completion fish > ~/.config/fish/completions/labtui.fish
function __labtui_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program labtui
    type -q labtui; or set program $words[1]
    set -e words[1]
    set -l lines (command $program __complete fish -- $words "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current" ''
    end
    set -e lines[1]
    for line in $lines
        echo $line
    end
end
complete -c labtui -f -a '(__labtui_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
