@rem package.json calls scripts with exec, so that signals to npm reach them. On Windows there is no exec: cmd runs this file.
@%*
