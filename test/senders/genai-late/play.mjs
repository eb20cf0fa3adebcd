// The program is CommonJS.
import "./agent.cjs";
